import { resolveTeacher } from "../../config/derive.js";
import { TEACHER_SECTIONS } from "../../config/options.js";
import { refuseOtherKind } from "../../config/record.js";
import type { Command } from "../command.js";
import { printDryRun, runTraining, trainingSections } from "../train.js";

/** pefd train-teacher: trains a model on labels, like RepDistiller's train_teacher.py. */
export const command: Command = {
  sections: trainingSections(TEACHER_SECTIONS),
  examples: [
    ["pefd train-teacher --model resnet32x4", "240 epochs, as published"],
    ["pefd train-teacher --config smoke", "the small teacher of the smoke preset"],
  ],
  async run(invocation) {
    refuseOtherKind("teacher", invocation.configuration, String(invocation.flags.config));
    const resolved = resolveTeacher(invocation.layers);
    if (invocation.flags.dry_run) return printDryRun(resolved, invocation.output);
    const { options } = resolved;
    const { runTeacher } = await import("../../train/teacher.js");
    return runTraining(invocation, options, options.model, [(hooks) => runTeacher(options, hooks)]);
  },
};
