import { integer } from "../../../common/optionRow.js";
import { relu } from "../../../nn/activation.js";
import type { ModelBuilder } from "../../../nn/builder.js";
import { meanSquaredError } from "../../../nn/gradients.js";
import { batchNorm, convolution } from "../../../nn/layers.js";
import type { ForwardContext, ModelOutput } from "../../../nn/model.js";
import { adaptiveAveragePool, globalAveragePool, type MapSize } from "../../../nn/pool.js";
import type { Tensor4D } from "../../../runtime/tf.js";
import { defineMethod, type Pair, SIM_KD } from "../../method.js";
import { teacherClassifier } from "../../parts/classMaps.js";

type Layer = (x: Tensor4D, context: ForwardContext) => Tensor4D;

function bottleneck(make: ModelBuilder, inputs: number, outputs: number, inner: number): Layer {
  const shapes = [
    { inputs, outputs: inner, kernel: 1 },
    { inputs: inner, outputs: inner, kernel: 3 },
    { inputs: inner, outputs, kernel: 1 },
  ];
  const layers = shapes.map((shape, i): Layer => {
    const options = { ...shape, stride: 1, padding: (shape.kernel - 1) / 2 };
    const conv = convolution(make, `simkd.transfer.${3 * i}`, options);
    const norm = batchNorm(make, `simkd.transfer.${3 * i + 1}`, shape.outputs);
    return (x, context) => relu(norm(conv(x), context));
  });
  return (x, context) => layers.reduce((map, layer) => layer(map, context), x);
}

/** Channels of the student's last map and of the teacher's averaged one, and their common size. */
function lastMaps({ student, teacher }: Pair) {
  const [ours, theirs] = [student.maps.at(-1) as readonly number[], teacher.lastMap];
  const [height, width] = [0, 1].map((axis) => Math.min(ours[axis] as number, theirs[axis] as number));
  const size: MapSize = [height as number, width as number];
  return { inputs: ours[2] as number, outputs: theirs[2] as number, size };
}

const lastOf = ({ maps }: ModelOutput): Tensor4D => maps.at(-1)?.out as Tensor4D;

/** SimKD: the projected last map matches the teacher's, and the student predicts with the teacher's classifier. */
export const simkd = defineMethod({
  name: "simkd",
  summary: "the teacher's last map, and its classifier in the student's place (SimKD)",
  paper: "Chen et al., Knowledge Distillation with the Reused Teacher Classifier, CVPR 2022",
  code: SIM_KD,
  formula: "mean of (g(f_s) - f_t)^2, g of three convolutions; predicts fc_t(mean of g(f_s))",
  traps: [
    "Accuracies of its runs are those of the projected map through the teacher's classifier.",
    "Nothing reaches the student's own classifier, whose weights decay all the same.",
    "The teacher's map is the one that its classifier averages, of wrn behind the last ReLU; the toolbox has resnet38x2 in wrn's place.",
  ],
  weights: { gamma: 0, alpha: 0, beta: 1 },
  options: {
    factor: integer(2, "By how much the projector is narrower inside than the teacher's map.", {
      min: 1,
      max: 64,
      touches: "numbers",
    }),
  },
  terms: ["map"],
  sees: () => ["averaged"],
  build(pair, { factor }, make) {
    const { inputs, outputs, size } = lastMaps(pair);
    const inner = Math.max(1, Math.floor(outputs / factor));
    const project = bottleneck(make, inputs, outputs, inner);
    const classifier = teacherClassifier(pair);
    const projected = (student: ModelOutput, context: ForwardContext) =>
      project(adaptiveAveragePool(lastOf(student), size), context);
    return {
      terms({ student, teacher }, context) {
        const target = adaptiveAveragePool(teacher.averaged as Tensor4D, size);
        return { map: meanSquaredError(projected(student, context), target) };
      },
      evaluated: (student, context) => classifier.logits(globalAveragePool(projected(student, context))),
    };
  },
});
