import { inputError } from "../../../common/errors.js";
import { flag, integer, path, section } from "../../../common/optionRow.js";
import { counted } from "../../../common/text.js";
import { DATA_PLACE, DOCUMENT, GENERAL } from "../../../config/commandOptions.js";
import { resolveSection } from "../../../config/resolve.js";
import { DATASETS } from "../../../data/registry.js";
import type { Command } from "../../command.js";
import { DATASET_WORD, withDatasetWord } from "../../dataset/word.js";

const flagOnly = true;

const SYNTHETIC = section("Synthetic data", {
  dataset: DATA_PLACE.dataset,
  out: path(undefined, "The folder to write.", {
    flagOnly,
    alsoNamed: "data",
    valueName: "DIR",
    defaultText: "data/synthetic, of another data set data/synthetic-NAME",
  }),
  train: integer(5000, "Training images.", { min: 1, max: 1_000_000, flagOnly }),
  test: integer(1000, "Test images.", { min: 1, max: 1_000_000, flagOnly }),
  classes: integer(undefined, "Classes that occur.", {
    min: 1,
    flagOnly,
    defaultText: "all of the data set's",
  }),
  seed: integer(0, "The same seed gives the same images.", { min: 0, flagOnly }),
  force: flag("Replace another data set, or write among other files.", { flagOnly }),
});

/** Of the default data set; another one's has its name behind. */
const OUT = "data/synthetic";

/** pefd data synthesize: a small learnable data set in the format of a real one. */
export const command: Command = {
  sections: [SYNTHETIC, DOCUMENT, GENERAL],
  positionals: DATASET_WORD,
  examples: [
    ["pefd data synthesize", "what the presets smoke and synthetic train on"],
    ["pefd data synthesize --out DIR --train 2000 --test 500 --seed 1", "another one"],
    ["pefd data synthesize cifar10", "in the format of another data set"],
  ],
  async run(invocation) {
    const values = resolveSection(SYNTHETIC, withDatasetWord(invocation));
    const { dataset, out, force, ...numbers } = values;
    const { title, classes, synthesize } = DATASETS.row(dataset);
    if (synthesize === undefined) throw inputError(`There are no synthetic images for ${title}.`);
    const isDefault = dataset === DATA_PLACE.dataset.fallback;
    const directory = out ?? (isDefault ? OUT : `${OUT}-${dataset}`);
    await synthesize(directory, { ...numbers, force });
    const { train, test } = numbers;
    const use = `${isDefault ? "" : `--dataset ${dataset} `}--data ${directory}`;
    const text = `${train} training and ${counted(test, "test image")} lie in ${directory}; use them with ${use}`;
    const made = numbers.classes ?? (typeof classes === "number" ? classes : undefined);
    invocation.output.result(text, { directory, dataset, ...numbers, classes: made });
    return undefined;
  },
};
