import { join } from "node:path";
import { z } from "zod";
import { type Found, readStateFile, writeStateFile } from "./stateFile.js";

const schema = z.looseObject({
  /** Which server or folder it is, without names and passwords. */
  server: z.string().min(1).max(2000),
  runId: z.string().regex(/^[\w-]{1,100}$/),
  /** The last epoch that is there. */
  epoch: z.int().min(0),
  /** Whether its settings are there; earlier versions wrote this file once they were. */
  begun: z.boolean().default(true),
});

/** Which run of a tracker a run is, and what is there of it. */
export type Tracked = z.output<typeof schema>;

const KIND = { schema, maxBytes: 16 * 1024 };

/** What a run's folder tells of a tracker. @param file the tracker's own, such as mlflow.json */
export const readTracked = (runDir: string, file: string): Found<Tracked> =>
  readStateFile(join(runDir, file), KIND);

/** @throws as writeFileAtomic does */
export const writeTracked = (runDir: string, file: string, tracked: Tracked): Promise<void> =>
  writeStateFile(join(runDir, file), tracked);
