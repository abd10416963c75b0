import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DATASETS } from "../data/registry.js";

/** Final weights of the teachers that `pefd train-teacher` wrote, by trial. */
function trained(models: string, model: string, dataset: string): string[] {
  if (!existsSync(models)) return [];
  return readdirSync(models)
    .filter((folder) => folder.startsWith(`${model}_${dataset}_lr_`))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map((folder) => join(models, folder, `${model}_last.safetensors`));
}

/** The paper's own teacher, for the data set that it has some for. */
function published(models: string, model: string, dataset: string): string[] {
  const path = DATASETS.find(dataset)?.publishedTeacher?.(model);
  return path === undefined ? [] : [join(models, path)];
}

/**
 * Where a teacher of this model lies below `--save_dir`: the paper's published file
 * (`models/resnet32x4_vanilla/ckpt_epoch_240.pth`) before one trained here, the lowest trial first.
 */
export function findTeacher(saveDir: string, model: string, dataset: string): string | undefined {
  const models = join(saveDir, "models");
  return [...published(models, model, dataset), ...trained(models, model, dataset)].find((file) =>
    existsSync(file),
  );
}
