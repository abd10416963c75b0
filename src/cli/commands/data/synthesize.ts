import { inputError } from "../../../common/errors.js";
import { flag, flagOnly, integer, path, section } from "../../../common/optionRow.js";
import { counted } from "../../../common/text.js";
import { DATA_PLACE, DOCUMENT, GENERAL } from "../../../config/commandOptions.js";
import { resolveSection } from "../../../config/resolve.js";
import { DATASETS } from "../../../data/registry.js";
import type { Command } from "../../command.js";
import { DATASET_WORD, withDatasetWord } from "../../dataset/word.js";

const SYNTHETIC = section("Synthetic data", {
  dataset: DATA_PLACE.dataset,
  ...flagOnly({
    out: path(undefined, "Output folder.", {
      alsoNamed: "data",
      valueName: "DIR",
      defaultText: "data/synthetic, or data/synthetic-NAME for other data sets",
    }),
    train: integer(5000, "Number of training images.", { min: 1, max: 1_000_000 }),
    test: integer(1000, "Number of test images.", { min: 1, max: 1_000_000 }),
    classes: integer(undefined, "Number of classes used.", { min: 1, defaultText: "all classes of the data set" }),
    seed: integer(0, "Random seed.", { min: 0 }),
    force: flag("Overwrite an existing data set, or write into a folder with other files."),
  }),
});

/** Of the default data set; others append their name. */
const OUT = "data/synthetic";

/** pefd data synthesize: a small synthetic data set in the format of a real one. */
export const command: Command = {
  sections: [SYNTHETIC, DOCUMENT, GENERAL],
  positionals: DATASET_WORD,
  examples: [
    ["pefd data synthesize", "the data of the presets smoke and synthetic"],
    ["pefd data synthesize --out DIR --train 2000 --test 500 --seed 1", "another one"],
    ["pefd data synthesize cifar10", "in the format of another data set"],
  ],
  async run(invocation) {
    const values = resolveSection(SYNTHETIC, withDatasetWord(invocation));
    const { dataset, out, force, ...numbers } = values;
    const { title, classes, synthesize } = DATASETS.row(dataset);
    if (synthesize === undefined) throw inputError(`No synthetic images are available for ${title}.`);
    const isDefault = dataset === DATA_PLACE.dataset.fallback;
    const directory = out ?? (isDefault ? OUT : `${OUT}-${dataset}`);
    await synthesize(directory, { ...numbers, force });
    const { train, test } = numbers;
    const use = `${isDefault ? "" : `--dataset ${dataset} `}--data ${directory}`;
    const text = `${train} training and ${counted(test, "test image")} are in ${directory}; use them with ${use}`;
    const made = numbers.classes ?? (typeof classes === "number" ? classes : undefined);
    invocation.output.result(text, { directory, dataset, ...numbers, classes: made });
  },
};
