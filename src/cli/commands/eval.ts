import { CONFIGURATION, DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { resolveEvaluations } from "../../config/derive.js";
import { EVAL_SECTIONS, EVALUATION, type EvalOptions } from "../../config/options.js";
import { resolveRows, resolveSection } from "../../config/resolve.js";
import { DATASETS } from "../../data/registry.js";
import { withDatasetOf } from "../../train/checkpointDataset.js";
import type { Command } from "../command.js";
import { printDryRun } from "../train.js";

/** pefd eval: accuracy and loss of checkpoints on the test images. */
export const command: Command = {
  sections: [...EVAL_SECTIONS, CONFIGURATION, DOCUMENT, GENERAL],
  examples: [
    ["pefd eval --checkpoint FILE", "the model is read from the file or its folder"],
    ["pefd eval --checkpoint FILE --model resnet8x4 --limit_test 1000 --json", "part of the images"],
    [
      "pefd eval --checkpoint A --checkpoint B --per_class classes.csv",
      "compare two checkpoints, with per-class accuracy",
    ],
  ],
  async run({ layers: given, flags, env, output }) {
    const { checkpoint } = resolveSection(EVALUATION, given);
    const layers = await withDatasetOf(given, checkpoint);
    if (flags.dry_run) return printDryRun(resolveRows(EVAL_SECTIONS, layers), output);
    const evaluations = resolveEvaluations(layers);
    const files = resolveSection(EVALUATION, layers);
    const text = await import("../evaluation.js");
    text.checkEvaluationFiles(files, evaluations.length);
    const { runEvaluations } = await import("../../train/evaluate.js");
    const bar = text.evaluationBar(output);
    const hooks = {
      env,
      onProgress: bar.update,
      onNotice: output.notice,
      onWarning: (text: string) => output.notice(`warning: ${text}`),
    };
    const details = await runEvaluations(evaluations, hooks).finally(bar.stop);
    const { dataset, data } = evaluations[0] as EvalOptions;
    const names = await DATASETS.row(dataset).classNames(data);
    await text.writeEvaluationFiles(files, details, names);
    output.result(
      text.evaluationText(details, names, files, output.width),
      text.evaluationDocument(details, names, files),
    );
  },
};
