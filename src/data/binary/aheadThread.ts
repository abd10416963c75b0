import { parentPort, workerData } from "node:worker_threads";
import { readInputFile } from "../../common/files/inputFile.js";
import { sha256 } from "../checksums.js";
import type { AheadOf } from "./dataFile.js";

for (const { path, maxBytes } of workerData as readonly AheadOf[]) {
  try {
    const bytes = readInputFile(path, { maxBytes });
    parentPort?.postMessage({ path, bytes, sha256: sha256(bytes) }, [bytes.buffer]);
  } catch {
    // Whoever needs it reads it again, and says why it cannot be.
  }
}
