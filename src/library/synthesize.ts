import { inputError } from "../common/errors.js";
import type { SyntheticOptions } from "../data/dataset.js";
import { DATASETS } from "../data/registry.js";

/** See synthesize in index.ts. */
export async function synthesizeIn(dataset: string, folder: string, options: SyntheticOptions): Promise<void> {
  const { title, synthesize } = DATASETS.row(dataset);
  if (synthesize === undefined) throw inputError(`No synthetic images are available for ${title}.`);
  await synthesize(folder, options);
}
