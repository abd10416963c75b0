import { DATASETS } from "../../data/registry.js";
import { procedures } from "../../distill/registry.js";
import { modelNames } from "../../models/registry.js";

/** One kind of thing that a plug-in may bring, and that `pefd new` writes a beginning of. */
export interface NewKind {
  /** Its file in templates/. */
  readonly template: string;
  /** As sentences call it. */
  readonly title: string;
  taken(): readonly string[];
  /** The words after `pefd` that try it. */
  tryWords(name: string, file: string): string;
}

/** By the second word of the command. */
export const NEW_KINDS = {
  method: {
    template: "method",
    title: "method",
    taken: () => procedures().map(({ name }) => name),
    tryWords: (name, file) =>
      `distill --plugin ${file} --distill ${name} --path_t TEACHER --model_t resnet8x4 --model_s resnet8`,
  },
  model: {
    template: "model",
    title: "model",
    taken: modelNames,
    tryWords: (name, file) => `train-teacher --plugin ${file} --model ${name}`,
  },
  dataset: {
    template: "dataset",
    title: "data set",
    taken: DATASETS.names,
    tryWords: (name, file) => `train-teacher --plugin ${file} --dataset ${name} --model resnet8`,
  },
} as const satisfies Readonly<Record<string, NewKind>>;
