import { basename, dirname } from "node:path";
import { DATASETS } from "../data/registry.js";
import { modelNames } from "../models/registry.js";

/** The longest known model name that the text is or begins with, followed by an underscore. */
function leadingModel(text: string): string | undefined {
  const fits = modelNames().filter((name) => text === name || text.startsWith(`${name}_`));
  return fits.sort((a, b) => b.length - a.length)[0];
}

/**
 * The model that a checkpoint's path names, as the paper's code lays files out:
 * `resnet32x4_vanilla/ckpt_epoch_240.pth`, `S:resnet8x4_T:.../ckpt_epoch_40.safetensors`, `resnet8x4_last.safetensors`.
 * The folder decides before the file. Undefined where neither names a known model.
 */
export function modelNameOf(path: string): string | undefined {
  const folder = basename(dirname(path)).replace(/^S:/, "");
  return leadingModel(folder) ?? leadingModel(basename(path).replace(/\.[a-z]+$/i, ""));
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
