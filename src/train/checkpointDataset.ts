import type { Metadata } from "../checkpoint/metadata.js";
import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { inputError, PefdError } from "../common/errors.js";
import { datasetIn, imageSizeIn } from "../config/modelName.js";
import type { Layer } from "../config/resolve.js";
import { DATASETS } from "../data/registry.js";

type ToldImages = { readonly dataset: string; readonly image_size: number | undefined };

/** Unreadable files are refused elsewhere. @param isAsked whether to throw inputError for an unknown data set */
async function imagesInFile(path: string, isAsked: boolean): Promise<ToldImages | undefined> {
  const metadata = await metadataOf(path);
  const dataset = datasetIn(metadata);
  if (dataset !== undefined) return { dataset, image_size: imageSizeIn(metadata) };
  if (isAsked && typeof metadata.dataset === "string") DATASETS.row(metadata.dataset); // throws: there is none
  return undefined;
}

async function metadataOf(path: string): Promise<Metadata> {
  try {
    return (await readCheckpoint(path)).metadata;
  } catch (error) {
    if (error instanceof PefdError) return {};
    throw error;
  }
}

const sizeText = ({ image_size }: ToldImages): string => `${image_size ?? "the usual size"}`;

function sameImages(told: readonly ToldImages[]): ToldImages | undefined {
  const datasets = [...new Set(told.map(({ dataset }) => dataset))];
  if (datasets.length > 1) {
    throw inputError(
      `These checkpoints were trained on different data sets: ${datasets.join(", ")}.`,
      "Take those of one data set, or name the one to look at with --dataset.",
    );
  }
  const sizes = [...new Set(told.map(sizeText))];
  if (sizes.length > 1) {
    throw inputError(
      `These checkpoints were trained on images of different sizes: ${sizes.join(", ")}.`,
      "Take those of one size, or name the one to look at with --image_size.",
    );
  }
  return told[0];
}

/** Layers with the checkpoints' data set and image size, unless given. @throws inputError for different ones */
export async function withDatasetOf(
  layers: readonly Layer[],
  checkpoints: readonly string[],
): Promise<readonly Layer[]> {
  const given = (name: string) => layers.find(({ values }) => values[name] !== undefined)?.values;
  const [dataset, size] = [given("dataset")?.dataset, given("image_size")?.image_size];
  const told: ToldImages[] = [];
  for (const path of checkpoints) {
    const images = await imagesInFile(path, dataset === undefined);
    const isAsked = images !== undefined && (dataset === undefined || images.dataset === dataset);
    if (isAsked) told.push(size === undefined ? images : { ...images, image_size: undefined });
  }
  const images = sameImages(told);
  if (images === undefined) return layers;
  const weakest = { label: () => "the checkpoint", origin: () => "from the checkpoint" };
  return [...layers, { ...weakest, values: { ...images } }];
}
