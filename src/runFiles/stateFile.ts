import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { FILE_BOUNDS, parseBoundedJson } from "../common/boundedJson.js";
import { inputError, type PefdError } from "../common/errors.js";
import { writeFileAtomic } from "../common/files/atomicFile.js";
import { readInputText, throwIfRefused } from "../common/files/inputFile.js";
import { cleanLine } from "../common/text.js";

// Values of files that may be damaged or anybody's: every one has bounds. A message completes "its KEY ...".

const MOST = 1e15;

const whole = z.int("must be an integer").max(MOST, "is too large");

/** A non-negative integer. */
export const count = whole.min(0, "must be 0 or more");

/** A positive integer. */
export const place = whole.min(1, "must be 1 or more");

/** Any number: JSON has neither NaN nor infinities. */
const figure = z.number("must be a number");

/** A duration, a rate: a number of 0 or more. */
const amount = figure.min(0, "must be 0 or more");

/** An accuracy. */
const percent = amount.max(100, "must be at most 100");

/** A name of a registry. */
export const name = z.string("must be a name").regex(/^[\w.+-]{1,100}$/, "must be a name of letters and digits");

/** A path, a device's name. */
export const text = z.string("must be a string").max(4096, "is too long");

/** A checksum. */
export const sha256 = z
  .string("must be a checksum")
  .regex(/^[0-9a-f]{64}$/, "must be a checksum of 64 hexadecimal digits");

/** Type of an option's value. */
export const setting = z.union(
  [text, figure, z.boolean(), z.array(z.union([text, figure])).max(1000)],
  "must be a string, a number, true, false or a list",
);

/** Means over a set of images. */
const metrics = z.object({ loss: figure, top1: percent, top5: percent }, "must be metrics");

/** Means over the training images, with each term of the loss by name. */
const trainingMetrics = metrics.extend({
  terms: z.record(name, figure, "must be terms").optional(),
});

/** The best test accuracy so far and its epoch; epoch 0 before the first one is done. */
const best = z.object({ top1: percent, epoch: count }, "must be an accuracy and its epoch");

/** The file by which a process claims a run's folder. */
export const LOCK_FILE = "run.lock";

const lockSchema = z.object({
  /** Host name. */
  host: text,
  /** The kernel since it was started, and the process numbers' own space in it; empty where /proc does not tell. */
  boot: text,
  namespace: text,
  pid: count,
  /** When the process was started, in the kernel's units: a later process may have its number. */
  started: text,
  /** Whether the file is locked by the kernel for as long as the process lives. */
  held: z.boolean("must be true or false"),
});

/** A process that works in a run's folder. */
export type Owner = z.infer<typeof lockSchema>;

export const LOCK: StateFile<Owner> = { schema: lockSchema, maxBytes: 2 ** 16 };

/** The file from which an interrupted run goes on: the one whose being written completes an epoch. */
export const RESUME_FILE = "resume.safetensors";

/** Record of a finished epoch, as in epochs.csv. */
const epochRow = z.object({
  epoch: place,
  learningRate: figure,
  train: trainingMetrics,
  test: metrics,
  seconds: amount,
  stepMs: amount,
  imagesPerSecond: amount,
});

/** The `progress` metadata of resume.safetensors. */
export const progressSchema = z.object(
  {
    /** Epochs completed. */
    epoch: count,
    /** Steps done of the epoch after that. */
    step: count,
    /** Sums of metrics over those steps. */
    sums: z.array(figure, "must be a list").max(1000, "is too long"),
    /** All training steps so far. */
    steps: count,
    best,
    /** Training seconds of the epoch that was interrupted. */
    epochSeconds: amount,
    /** Of the teacher, where it was evaluated before the first step. */
    teacherTop1: percent.optional(),
    /** The last completed epoch; none before the first is over. */
    row: epochRow.optional(),
    /** Of epochs.csv as it is once that epoch is in it. */
    logSha256: sha256.optional(),
    /** Of config.json's identity: whose state this is. */
    identitySha256: sha256,
  },
  "is missing",
);

/** How far a run has come. */
export type RunProgress = z.infer<typeof progressSchema>;

/** The result of a finished run. */
export const RESULT_FILE = "result.json";

const resultSchema = z.object({
  runDir: text,
  epochs: place,
  train: trainingMetrics,
  test: metrics,
  best,
  /** Wall time of all epochs, evaluation included. */
  seconds: amount,
  /** Mean time of a training step in the last epoch. */
  stepMs: amount,
  engine: name,
  precision: name,
  device: text,
  /** sha256 over the final weights' bytes in state_dict order. */
  weightsSha256: sha256,
  /** Test top-1 of the teacher, where it was evaluated (--teacher_eval). */
  teacherTop1: percent.optional(),
  /** With --teacher_cache: what it brought in the process that ended the run. */
  teacherCache: z.object({ found: count, computed: count }).optional(),
});

/** A run's result.json. */
export type ResultContent = z.infer<typeof resultSchema>;

const RESULT_KIND: StateFile<ResultContent> = { schema: resultSchema, maxBytes: 2 ** 16 };

/** The result.json of a run's folder. */
export const readResult = (runDir: string): Found<ResultContent> =>
  readStateFile(join(runDir, RESULT_FILE), RESULT_KIND);

const jobSchema = z.object({
  id: z.string("must be a number").regex(/^\d{1,20}$/, "must be a number"),
  /** Folders of the runs, in the order of the array's tasks. */
  runDirs: z.array(text, "must be a list of folders").max(100_000, "is too long"),
});

/** A submitted sweep: the file `sweep/JOB.json` below --save_dir. */
export type SlurmJob = z.infer<typeof jobSchema>;

export const SWEEP_JOB: StateFile<SlurmJob> = { schema: jobSchema, maxBytes: 2 ** 26 };

const trackedSchema = z.looseObject({
  /** Which server or folder it is, without names and passwords. */
  server: z.string().min(1).max(2000),
  runId: z.string().regex(/^[\w-]{1,100}$/),
  /** The last epoch that is there. */
  epoch: z.int().min(0),
  /** Whether its settings are there; earlier versions wrote this file once they were. */
  begun: z.boolean().default(true),
});

/** Which run of a tracker a run is, and what is there of it. */
export type Tracked = z.output<typeof trackedSchema>;

const TRACKED_KIND = { schema: trackedSchema, maxBytes: 16 * 1024 };

/** A tracker's record in a run folder. @param file such as mlflow.json */
export const readTracked = (runDir: string, file: string): Found<Tracked> =>
  readStateFile(join(runDir, file), TRACKED_KIND);

/** @throws as writeFileAtomic does */
export const writeTracked = (runDir: string, file: string, tracked: Tracked): Promise<void> =>
  writeStateFile(join(runDir, file), tracked);

/** One kind of file that is read back: what it must hold, and how large it may be. */
export interface StateFile<Content> {
  readonly schema: z.ZodType<Content>;
  readonly maxBytes: number;
}

/** Result of looking for such a file. */
export type Found<Content> =
  | { readonly state: "absent" }
  | { readonly state: "damaged"; readonly reason: string }
  | {
      readonly state: "whole";
      readonly content: Content;
      /** Whether it carries a checksum (which then fits): those of earlier versions have none. */
      readonly sealed: boolean;
    };

const CHECKSUM = "checksum";

const checksumOf = (content: object): string => createHash("sha256").update(JSON.stringify(content)).digest("hex");

/** The text of a state file: readable JSON, its last entry a checksum of all others. */
export const sealedText = (content: object): string =>
  `${JSON.stringify({ ...content, [CHECKSUM]: checksumOf(content) }, undefined, 2)}\n`;

/** Writes a state file whole, its checksum in it. @throws as writeFileAtomic does */
export const writeStateFile = <Content extends object>(path: string, content: Content): Promise<void> =>
  writeFileAtomic(path, sealedText(content));

/** Far deeper than any of these files. */
const BOUNDS = { depth: 16, values: FILE_BOUNDS.values };

/**
 * Reads a state file, and says what is there without judging what that means.
 * @throws inputError where the system does not let it be read
 */
export function readStateFile<Content>(path: string, kind: StateFile<Content>): Found<Content> {
  try {
    return parseState(readInputText(path, kind), kind);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { state: "absent" };
    throwIfRefused(path, error);
    const clause = message.replace(path, "it").replace(/\.$/, "");
    return {
      state: "damaged",
      reason: printable(error instanceof Clause ? `it ${clause}` : clause),
    };
  }
}

/** A parser's complaint: a clause without its subject. */
class Clause extends Error {}

function parseState<Content>(text: string, { schema }: StateFile<Content>): Found<Content> {
  const { checksum, content } = unsealed(parsed(text));
  const sealed = checksum !== undefined;
  if (sealed && checksum !== checksumOf(content)) throw new Clause("does not match its checksum");
  const { success, data, error } = schema.safeParse(content);
  if (success) return { state: "whole", content: data, sealed };
  throw new Clause(`has a wrong value: ${firstComplaint(error.issues)}`);
}

function parsed(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseBoundedJson(text, BOUNDS);
  } catch (error) {
    throw new Clause((error as Error).message);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Clause("is not a JSON object");
}

function unsealed({ [CHECKSUM]: checksum, ...content }: Record<string, unknown>) {
  return { checksum, content };
}

const MOST_SHOWN = 200;

/** Untrusted text as one short line. */
const printable = (text: string): string => cleanLine(text).slice(0, MOST_SHOWN);

/** The first of a schema's complaints: `trial must be an integer`. */
export const firstComplaint = ([issue]: readonly z.core.$ZodIssue[]): string =>
  printable(`${issue?.path.join(".") || "the whole"} ${issue?.message}`);

/** The error for a corrupt state file. */
export const damagedFile = (path: string, reason: string, hint: string): PefdError =>
  inputError(`${path} is corrupt: ${reason}. Nothing was changed.`, hint);

/**
 * The content of a state file that must be whole where it is there.
 * @param hint what can still be done where it is damaged
 * @returns undefined where there is none
 * @throws inputError that names the file and what is wrong with it
 */
export function wholeContent<Content>(path: string, kind: StateFile<Content>, hint: string): Content | undefined {
  const found = readStateFile(path, kind);
  if (found.state === "damaged") throw damagedFile(path, found.reason, hint);
  return found.state === "whole" ? found.content : undefined;
}
