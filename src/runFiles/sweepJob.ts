import { z } from "zod";
import type { StateFile } from "./stateFile.js";
import { text } from "./values.js";

const schema = z.object({
  id: z.string("must be a number").regex(/^\d{1,20}$/, "must be a number"),
  /** Folders of the runs, in the order of the array's tasks. */
  runDirs: z.array(text, "must be a list of folders").max(100_000, "is too long"),
});

/** A submitted sweep: the file `sweep/JOB.json` below --save_dir. */
export type SlurmJob = z.infer<typeof schema>;

export const SWEEP_JOB: StateFile<SlurmJob> = { schema, maxBytes: 2 ** 26 };
