import { resolveEvaluations } from "../../config/derive.js";
import { CONFIGURATION, EVAL_SECTIONS, GENERAL, RESULT } from "../../config/options.js";
import { resolveRows } from "../../config/resolve.js";
import type { EvalResult } from "../../train/result.js";
import type { Command } from "../command.js";
import { printDryRun } from "../dryRun.js";

const summary = (result: EvalResult): string =>
  [
    `${result.checkpoint} (${result.model}, ${result.n} images)`,
    `  top-1 ${result.top1.toFixed(2)} %  top-5 ${result.top5.toFixed(2)} %  loss ${result.loss.toFixed(4)}`,
    `  ${Math.round(result.imagesPerSecond)} images/s, ${result.engine} on ${result.device}`,
  ].join("\n");

/** pefd eval: accuracy and loss of checkpoints on the test images. */
export const command: Command = {
  sections: [...EVAL_SECTIONS, CONFIGURATION, RESULT, GENERAL],
  examples: [
    ["pefd eval --checkpoint FILE", "the model is told by the file or its folder"],
    [
      "pefd eval --checkpoint FILE --model resnet8x4 --limit_test 1000 --json",
      "part of the images",
    ],
  ],
  async run({ layers, flags, env, output }) {
    if (flags.dry_run) return printDryRun(resolveRows(EVAL_SECTIONS, layers), output);
    const evaluations = resolveEvaluations(layers);
    const { runEval } = await import("../../train/evaluate.js");
    const results: EvalResult[] = [];
    for (const options of evaluations) results.push(await runEval(options, { env }));
    output.result(results.map(summary).join("\n"), results.length === 1 ? results[0] : results);
    return undefined;
  },
};
