import { flag, integer, path, section } from "../../common/optionRow.js";
import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { resolveSection } from "../../config/resolve.js";
import type { Command } from "../command.js";

const flagOnly = true;

const SYNTHETIC = section("Synthetic data", {
  out: path("data/synthetic", "The folder to write.", { flagOnly }),
  train: integer(5000, "Training images.", { min: 1, max: 1_000_000, flagOnly }),
  test: integer(1000, "Test images.", { min: 1, max: 1_000_000, flagOnly }),
  classes: integer(100, "Classes that occur.", { min: 1, max: 100, flagOnly }),
  seed: integer(0, "The same seed gives the same images.", { min: 0, flagOnly }),
  force: flag("Replace another data set, or write among other files.", { flagOnly }),
});

/** pefd data synthesize: a small learnable data set in CIFAR-100's format. */
export const command: Command = {
  sections: [SYNTHETIC, DOCUMENT, GENERAL],
  examples: [
    ["pefd data synthesize", "what the presets smoke and synthetic train on"],
    ["pefd data synthesize --out DIR --train 2000 --test 500 --seed 1", "another one"],
  ],
  async run({ layers, output }) {
    const { out, force, ...numbers } = resolveSection(SYNTHETIC, layers);
    const { synthesize } = await import("../../data/cifar/synthetic.js");
    await synthesize(out, { ...numbers, force });
    const { train, test } = numbers;
    const text = `${train} training and ${test} test images lie in ${out}; use them with --data ${out}`;
    output.result(text, { directory: out, ...numbers });
    return undefined;
  },
};
