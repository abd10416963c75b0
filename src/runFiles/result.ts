import { join } from "node:path";
import { z } from "zod";
import { type Found, readStateFile, type StateFile } from "./stateFile.js";
import {
  amount,
  best,
  count,
  metrics,
  name,
  place,
  sha256,
  text,
  trainingMetrics,
} from "./values.js";

/** What a finished run has come to. */
export const RESULT_FILE = "result.json";

const schema = z.object({
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
  /** With --teacher_cache: what it brought in the process that ended the run. */
  teacherCache: z.object({ found: count, computed: count }).optional(),
});

/** A run's result.json. */
export type ResultContent = z.infer<typeof schema>;

const KIND: StateFile<ResultContent> = { schema, maxBytes: 2 ** 16 };

/** The result.json of a run's folder. */
export const readResult = (runDir: string): Found<ResultContent> =>
  readStateFile(join(runDir, RESULT_FILE), KIND);
