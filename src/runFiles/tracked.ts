import { join } from "node:path";
import { z } from "zod";
import { type Found, readStateFile, writeStateFile } from "./stateFile.js";

/** The file's name in a run's folder. */
export const TRACKED_FILE = "mlflow.json";

const schema = z.looseObject({
  /** The server's address, without names and passwords. */
  server: z.string().min(1).max(2000),
  runId: z.string().regex(/^[\w-]{1,100}$/),
  /** The last epoch that the server has. */
  epoch: z.int().min(0),
});

/** Which run of a tracking server a run is, and what is there of it. */
export type Tracked = z.infer<typeof schema>;

const KIND = { schema, maxBytes: 16 * 1024 };

/** What a run's folder tells of a tracking server. */
export const readTracked = (runDir: string): Found<Tracked> =>
  readStateFile(join(runDir, TRACKED_FILE), KIND);

/** @throws as writeFileAtomic does */
export const writeTracked = (runDir: string, tracked: Tracked): Promise<void> =>
  writeStateFile(join(runDir, TRACKED_FILE), tracked);
