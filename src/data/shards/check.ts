import { join } from "node:path";
import type { PartName } from "../binary/part.js";
import { sha256OfFile } from "../checksums.js";
import { readShardRecord } from "./record.js";

/**
 * Sentences on shards whose bytes are not those that were packed; none where no record tells.
 * @throws the system's own error for a shard that cannot be read
 */
export function changedShards(directory: string, part: PartName): string[] {
  const shards = readShardRecord(directory)?.halves[part]?.shards ?? [];
  return shards
    .map(({ file, sha256 }) => ({ path: join(directory, file), sha256 }))
    .filter(({ path, sha256 }) => sha256OfFile(path) !== sha256)
    .map(({ path }) => `${path} has changed since it was packed (sha256).`);
}
