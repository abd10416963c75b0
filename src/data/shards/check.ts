import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import type { PartName } from "../binary/part.js";
import { readShardRecord } from "./record.js";

/** Read at once. */
const PIECE = 2 ** 22;

function sha256OfShard(path: string): string {
  const hash = createHash("sha256");
  const bytes = Buffer.allocUnsafe(PIECE);
  const file = openSync(path, "r");
  try {
    for (;;) {
      const read = readSync(file, bytes);
      if (read === 0) return hash.digest("hex");
      hash.update(bytes.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Sentences on shards whose bytes are not those that were packed; none where no record tells.
 * @throws the system's own error for a shard that cannot be read
 */
export function changedShards(directory: string, part: PartName): string[] {
  const shards = readShardRecord(directory)?.halves[part]?.shards ?? [];
  return shards
    .map(({ file, sha256 }) => ({ path: join(directory, file), sha256 }))
    .filter(({ path, sha256 }) => sha256OfShard(path) !== sha256)
    .map(({ path }) => `${path} has changed since it was packed (sha256).`);
}
