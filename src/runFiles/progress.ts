import { z } from "zod";
import { amount, best, count, figure, metrics, place, sha256, trainingMetrics } from "./values.js";

/** The file from which an interrupted run goes on: the one whose being written completes an epoch. */
export const RESUME_FILE = "resume.safetensors";

/** What is known when an epoch is over, as epochs.csv keeps it. */
const row = z.object({
  epoch: place,
  learningRate: figure,
  train: trainingMetrics,
  test: metrics,
  seconds: amount,
  stepMs: amount,
  imagesPerSecond: amount,
});

/** What the metadata of a run's resume.safetensors says under `progress`. */
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
    /** The last completed epoch; none before the first is over. */
    row: row.optional(),
    /** Of epochs.csv as it is once that epoch is in it. */
    logSha256: sha256.optional(),
    /** Of config.json's identity: whose state this is. */
    identitySha256: sha256,
  },
  "must be there",
);

/** How far a run has come. */
export type RunProgress = z.infer<typeof progressSchema>;
