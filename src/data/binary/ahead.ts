import { Worker } from "node:worker_threads";
import type { AheadOf, FilesAhead, ReadFile } from "./dataFile.js";

/** Reads and hashes files in another thread. Skips unreadable ones: who needs them says what is wrong. */
export async function readAhead(files: readonly AheadOf[]): Promise<FilesAhead> {
  if (files.length === 0) return new Map();
  const thread = new Worker(new URL("./aheadThread.js", import.meta.url), { workerData: files });
  return new Promise((resolve) => {
    const read = new Map<string, ReadFile>();
    thread.on("message", ({ path, ...file }: AheadOf & ReadFile) => read.set(path, file));
    thread.on("error", () => resolve(read));
    thread.on("exit", () => resolve(read));
  });
}
