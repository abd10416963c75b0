import { basename, dirname } from "node:path";
import { DATASETS } from "../data/registry.js";
import { MODELS, modelNames } from "../models/registry.js";

/** The longest known model name that the text is or begins with, followed by an underscore. */
function leadingModel(text: string): string | undefined {
  const fits = modelNames().filter((name) => text === name || text.startsWith(`${name}_`));
  return fits.sort((a, b) => b.length - a.length)[0];
}

/** The model of a file that torchvision publishes: its name there and the start of a checksum, resnet34-b627a593. */
function torchvisionModel(text: string): string | undefined {
  const [, name] = /^(\w+)-[0-9a-f]{8}$/.exec(text) ?? [];
  return MODELS.rows().find(({ torchvision }) => name !== undefined && torchvision === name)?.name;
}

/**
 * The model that a checkpoint's path names, as the paper's code lays files out:
 * `resnet32x4_vanilla/ckpt_epoch_240.pth`, `S:resnet8x4_T:.../ckpt_epoch_40.safetensors`, `resnet8x4_last.safetensors`;
 * or as torchvision calls its files, `resnet34-b627a593.pth`.
 * The folder decides before the file. Undefined where neither names a known model.
 */
export function modelNameOf(path: string): string | undefined {
  const folder = basename(dirname(path)).replace(/^S:/, "");
  const file = basename(path).replace(/\.[a-z]+$/i, "");
  return leadingModel(folder) ?? leadingModel(file) ?? torchvisionModel(file);
}

const mapIn = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

/**
 * The model that a checkpoint's metadata names: pefd's own files do, those of the paper's code may hold the options of
 * their run. Undefined where none of it is a known model.
 */
export function modelNameIn(metadata: Readonly<Record<string, unknown>>): string | undefined {
  const { model, model_s } = mapIn(metadata.opt);
  return [metadata.model, metadata.model_name, model_s, model].find(
    (name): name is string => typeof name === "string" && modelNames().includes(name),
  );
}

/** Side of the images that a checkpoint's metadata tells; undefined where that is the data set's own. */
export function imageSizeIn({ image_size }: Readonly<Record<string, unknown>>): number | undefined {
  return Number.isSafeInteger(image_size) ? (image_size as number) : undefined;
}

/**
 * The data set that a checkpoint's metadata names, in the same places. Undefined where none of it is a known one, as in
 * files that pefd wrote when there was one data set.
 */
export function datasetIn(metadata: Readonly<Record<string, unknown>>): string | undefined {
  const { dataset } = mapIn(metadata.opt);
  return [metadata.dataset, dataset].find(
    (name): name is string => typeof name === "string" && DATASETS.find(name) !== undefined,
  );
}
