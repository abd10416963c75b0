import { pluginWords } from "../../common/plugins.js";
import { requireTeacher, resolveDistill, withoutEffect } from "../../config/derive.js";
import { DISTILL_SECTIONS, teachersOf } from "../../config/options.js";
import { refuseOtherKind } from "../../config/record.js";
import type { Hooks } from "../../train/files/result.js";
import { generationsOf } from "../../train/files/runName.js";
import type { Command, Invocation } from "../command.js";
import { printDryRun, runTraining, trainingSections } from "../train.js";
import { typedLine } from "../typed.js";

function trainTeacherLine({ flags }: Invocation, model: string | undefined): string {
  const words = flags.config ? ["--config", String(flags.config)] : model ? ["--model", model] : [];
  const images = ["dataset", "data"].flatMap((name) =>
    typeof flags[name] === "string" ? [`--${name}`, flags[name]] : [],
  );
  return typedLine(["train-teacher", ...pluginWords(), ...words, ...images]);
}

/** pefd distill: trains a student with a frozen teacher, as the paper's train_student.py does. */
export const command: Command = {
  sections: trainingSections(DISTILL_SECTIONS),
  examples: [
    [
      "pefd distill --path_t save/models/resnet32x4_vanilla/ckpt_epoch_240.pth --model_s resnet8x4",
      "the paper's method with its loss weights",
    ],
    ["pefd distill --config resnet32x4-resnet8x4-kd --trial 2", "one row of the paper's table"],
    ["pefd distill --config smoke --dry_run", "show the configuration, run nothing"],
  ],
  async run(invocation) {
    refuseOtherKind("distill", invocation.configuration, String(invocation.flags.config));
    const resolved = resolveDistill(invocation.layers);
    if (invocation.flags.dry_run) return printDryRun(resolved, invocation.output);
    for (const notice of withoutEffect(invocation.layers, resolved)) invocation.output.notice(notice);
    const { modelNameInFile } = await import("../modelInFile.js");
    const trainCommand = (model?: string) => trainTeacherLine(invocation, model);
    const options = await requireTeacher(invocation.layers, modelNameInFile, trainCommand);
    if (resolved.ranks.path_t === undefined) {
      for (const { path } of teachersOf(options)) invocation.output.notice(`Teacher: ${path}`);
    }
    const { runDistill } = await import("../../train/distill.js");
    const runs = generationsOf(options).map((run) => (hooks: Hooks) => runDistill(run, hooks));
    return runTraining(invocation, options, options.model_s, runs);
  },
};
