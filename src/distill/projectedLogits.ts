import { createBuilder } from "../nn/builder.js";
import { linear } from "../nn/layers.js";
import { distillKL } from "./losses.js";
import type { Distillation, DistillSetting } from "./types.js";

/** kd1proj: KL of W z_s + b against z_t, W a Linear from classes to classes. */
export function projectedLogits(setting: DistillSetting): Distillation {
  const builder = createBuilder("projectors", setting.fill);
  const projector = linear(builder, "projectors.0", setting.numClasses, setting.numClasses);
  return {
    state: builder.state,
    loss: (student, teacher) =>
      distillKL(projector(student.logits), teacher.logits, setting.temperature),
  };
}
