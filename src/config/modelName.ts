import { basename, dirname } from "node:path";
import { DATASETS } from "../data/registry.js";
import { MODELS, modelNames } from "../models/registry.js";

/** The longest known model name that the text is, or begins with before an underscore. */
function leadingModel(text: string): string | undefined {
  const fits = modelNames().filter((name) => text === name || text.startsWith(`${name}_`));
  return fits.sort((a, b) => b.length - a.length)[0];
}

/** torchvision's names: model and start of a checksum, resnet34-b627a593. */
function torchvisionModel(text: string): string | undefined {
  const [, name] = /^(\w+)-[0-9a-f]{8}$/.exec(text) ?? [];
  return MODELS.rows().find(({ torchvision }) => name !== undefined && torchvision === name)?.name;
}

/**
 * The model in a checkpoint's path as the paper's code (`resnet32x4_vanilla/ckpt_epoch_240.pth`,
 * `S:resnet8x4_T:.../ckpt_epoch_40.safetensors`, `resnet8x4_last.safetensors`) or torchvision (`resnet34-b627a593.pth`)
 * name it, the folder before the file; undefined if unknown.
 */
export function modelNameOf(path: string): string | undefined {
  const folder = basename(dirname(path)).replace(/^S:/, "");
  const file = basename(path).replace(/\.[a-z]+$/i, "");
  return leadingModel(folder) ?? leadingModel(file) ?? torchvisionModel(file);
}

const mapIn = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/** The model in a checkpoint's metadata (pefd's, or the run's options in the paper's code); undefined if unknown. */
export function modelNameIn(metadata: Readonly<Record<string, unknown>>): string | undefined {
  const { model, model_s } = mapIn(metadata.opt);
  return [metadata.model, metadata.model_name, model_s, model].find(
    (name): name is string => typeof name === "string" && modelNames().includes(name),
  );
}

/** Image size in a checkpoint's metadata; undefined for the data set's own. */
export function imageSizeIn({ image_size }: Readonly<Record<string, unknown>>): number | undefined {
  return Number.isSafeInteger(image_size) ? (image_size as number) : undefined;
}

/** The data set in a checkpoint's metadata; undefined if unknown, as in pefd's earliest files. */
export function datasetIn(metadata: Readonly<Record<string, unknown>>): string | undefined {
  const { dataset } = mapIn(metadata.opt);
  return [metadata.dataset, dataset].find(
    (name): name is string => typeof name === "string" && DATASETS.find(name) !== undefined,
  );
}
