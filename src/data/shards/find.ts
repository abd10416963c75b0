import { existsSync } from "node:fs";
import { join } from "node:path";
import type { PartName } from "../binary/part.js";
import { byName, entriesOf } from "../folder/listing.js";

/** Words in a shard's name, or names of a folder of shards, that tell which half it is of; the first that are found count. */
const WORDS: Readonly<Record<PartName, readonly (readonly string[])[]>> = {
  train: [["train", "training"]],
  test: [["val", "valid", "validation"], ["test"]],
};

const wordsOf = (name: string): string[] => name.toLowerCase().split(/[^a-z]+/);

const shardsIn = (folder: string): string[] =>
  existsSync(folder) ? entriesOf(folder).files.filter((name) => /^[^.].*\.tar$/.test(name)) : [];

/**
 * Shards of a half, below the data folder, by their names: DIR/*train*.tar, DIR/train/*.tar and the like; none where there
 * are none.
 */
export function shardFiles(directory: string, part: PartName): string[] {
  const own = shardsIn(directory);
  for (const words of WORDS[part]) {
    const named = own.filter((name) => wordsOf(name).some((word) => words.includes(word)));
    if (named.length > 0) return named.sort(byName);
    for (const folder of words) {
      const found = shardsIn(join(directory, folder));
      if (found.length > 0) return found.sort(byName).map((name) => join(folder, name));
    }
  }
  return [];
}
