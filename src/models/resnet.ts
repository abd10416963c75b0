import { relu } from "../nn/activation.js";
import { type Initialization, kaimingNormalFanOut } from "../nn/initialization.js";
import { linear } from "../nn/layers.js";
import { BASIC, convolutionUnit, residualStage, stagedForward } from "./residual.js";
import type { Architecture } from "./types.js";

export const resnetInitialization: Initialization = { "conv.weight": kaimingNormalFanOut };

/**
 * ResNet for 32x32 images (He et al. 2016, section 4.2), as RepDistiller and PEFD have it: a stem and three stages of
 * basic blocks, with their `widths`.
 * @param depth 6n + 2
 */
export const resnet =
  (depth: number, widths: readonly [number, number, number, number]): Architecture =>
  (builder, numClasses) => {
    const blocks = (depth - 2) / 6;
    const [stemWidth, ...stageWidths] = widths;
    const stem = convolutionUnit(builder, "conv1", "bn1", { inputs: 3, outputs: stemWidth, kernel: 3, stride: 1 });
    const stages = stageWidths.map((width, i) => {
      const inputs = widths[i] as number;
      const place = { name: `layer${i + 1}`, inputs, width, stride: i === 0 ? 1 : 2 };
      return residualStage(builder, BASIC, blocks, place, "downsample");
    });
    const featureSize = widths[3];
    const classifier = linear(builder, "fc", featureSize, numClasses);
    const forward = stagedForward((x, context) => relu(stem(x, context)), stages, classifier);
    const norms = stageWidths.map((_, i) => `layer${i + 1}.${blocks - 1}.${BASIC.lastNorm}`);
    return { featureSize, norms, forward };
  };
