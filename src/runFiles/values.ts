import { z } from "zod";

// Values of files that may be damaged or anybody's: every one has bounds. A message completes "its KEY ...".

const MOST = 1e15;

const whole = z.int("must be a whole number").max(MOST, "is too large");

/** A whole number of 0 or more. */
export const count = whole.min(0, "must be 0 or more");

/** A whole number of 1 or more. */
export const place = whole.min(1, "must be 1 or more");

/** Any number: JSON has neither NaN nor infinities. */
export const figure = z.number("must be a number");

/** A duration, a rate: a number of 0 or more. */
export const amount = figure.min(0, "must be 0 or more");

/** An accuracy. */
export const percent = amount.max(100, "must be at most 100");

/** A name of a registry. */
export const name = z
  .string("must be a name")
  .regex(/^[\w.+-]{1,100}$/, "must be a name of letters and digits");

/** A path, a device's name. */
export const text = z.string("must be a text").max(4096, "is too long");

/** A checksum. */
export const sha256 = z
  .string("must be a checksum")
  .regex(/^[0-9a-f]{64}$/, "must be a checksum of 64 hexadecimal digits");

/** What an option may be. */
export const setting = z.union(
  [text, figure, z.boolean(), z.array(z.union([text, figure])).max(1000)],
  "must be a text, a number, true, false or a list",
);

/** Means over a set of images. */
export const metrics = z.object({ loss: figure, top1: percent, top5: percent }, "must be metrics");

/** Means over the training images, with each term of the loss by name. */
export const trainingMetrics = metrics.extend({
  terms: z.record(name, figure, "must be terms").optional(),
});

/** The best test accuracy so far and its epoch; epoch 0 before the first one is done. */
export const best = z.object({ top1: percent, epoch: count }, "must be an accuracy and its epoch");
