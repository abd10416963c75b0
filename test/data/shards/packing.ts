import { join } from "node:path";
import type { TestContext } from "node:test";
import type { DatasetRow } from "#pefd/data/dataset.js";
import { FOLDER } from "#pefd/data/folder/row.js";
import { type PackSettings, packImages } from "#pefd/data/shards/pack.js";
import type { ShardRecord } from "#pefd/data/shards/record.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { PETS, writeFiles } from "../folder/files.js";

/** Packs a folder. @returns the folder of the shards, and their record */
export async function pack(directory: string, out: string, settings: Partial<PackSettings> = {}): Promise<ShardRecord> {
  const set = (FOLDER as DatasetRow).packable?.(directory);
  if (set === undefined) throw new Error("folders cannot be packed");
  return packImages("folder", set, { out, mostBytes: 1e9, ...settings });
}

/** Pets in files of a few bytes, and the same in shards. */
export async function packedPets(t: TestContext, settings: Partial<PackSettings> = {}) {
  const folder = temporaryFolder(t);
  const directory = writeFiles(join(folder, "pets"), PETS);
  const out = join(folder, "shards");
  const record = await pack(directory, out, settings);
  return { folder, directory, out, record };
}
