import { z } from "zod";
import type { StateFile } from "./stateFile.js";
import { count, text } from "./values.js";

/** The file by which a process claims a run's folder. */
export const LOCK_FILE = "run.lock";

const schema = z.object({
  /** The machine by name, for people. */
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
export type Owner = z.infer<typeof schema>;

export const LOCK: StateFile<Owner> = { schema, maxBytes: 2 ** 16 };
