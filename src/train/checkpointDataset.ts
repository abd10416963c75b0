import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { inputError, PefdError } from "../common/errors.js";
import { datasetIn } from "../config/modelName.js";
import type { Layer } from "../config/resolve.js";
import { DATASETS } from "../data/registry.js";

/** The data set that a checkpoint says it was trained on, if there is one of that name; a file that cannot be read is for others to refuse. */
async function toldIn(path: string): Promise<{ known?: string; said?: string } | undefined> {
  try {
    const { metadata } = await readCheckpoint(path);
    const known = datasetIn(metadata);
    if (known !== undefined) return { known };
    return typeof metadata.dataset === "string" ? { said: metadata.dataset } : undefined;
  } catch (error) {
    if (error instanceof PefdError) return undefined;
    throw error;
  }
}

/**
 * The layers with the data set that checkpoints say they were trained on, where nothing else names one.
 * @throws inputError where they say different ones, or one that there is not
 */
export async function withDatasetOf(
  layers: readonly Layer[],
  checkpoints: readonly string[],
): Promise<readonly Layer[]> {
  if (layers.some(({ values }) => values.dataset !== undefined)) return layers;
  const told = new Set<string>();
  for (const path of checkpoints) {
    const { known, said } = (await toldIn(path)) ?? {};
    if (said !== undefined) DATASETS.row(said); // throws: there is no such data set here
    if (known !== undefined) told.add(known);
  }
  if (told.size > 1) {
    throw inputError(
      `These checkpoints were trained on different data sets: ${[...told].join(", ")}.`,
      "Take those of one data set, or name the one to look at with --dataset.",
    );
  }
  const [dataset] = told;
  if (dataset === undefined) return layers;
  const weakest = { label: () => "the checkpoint", origin: () => "told by the checkpoint" };
  return [...layers, { ...weakest, values: { dataset } }];
}
