import { number } from "../../../common/optionRow.js";
import { leakyRelu } from "../../../nn/activation.js";
import type { ModelBuilder } from "../../../nn/builder.js";
import { transposedConvolution } from "../../../nn/convolution/transposed.js";
import { absolute, meanSquaredError } from "../../../nn/gradients.js";
import { batchNorm, convolution } from "../../../nn/layers.js";
import type { ForwardContext, ModelOutput } from "../../../nn/model.js";
import { type Scalar, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod, type FeatureShapes, REP_DISTILLER } from "../../method.js";
import { PHASE_DEFAULTS, PHASE_OPTIONS } from "../../options.js";
import { apartFromStudent } from "../../parts/losses.js";
import { activity, toSmaller } from "../../parts/maps.js";

/** Channels of a factor per channel of the teacher's map. */
const RATE = 0.5;

const SLOPE = 0.1;

const GEOMETRY = { kernel: 3, stride: 1, padding: 1 };

type Layer = (map: Tensor4D, context: ForwardContext) => Tensor4D;

/** Indices of convolutions among convolution, normalisation and activation. */
const PLACES = [0, 3, 6];

const channelsOf = ({ maps }: FeatureShapes): number => maps.at(-1)?.[2] as number;
const lastMap = ({ maps }: ModelOutput): Tensor4D => maps.at(-1)?.out as Tensor4D;

const sequence =
  (layers: readonly Layer[]): Layer =>
  (map, context) =>
    layers.reduce((x, layer) => layer(x, context), map);

/** @param widths channels before, between and after the convolutions @param kind makes one by name and channels */
function coder(
  name: string,
  widths: readonly [number, number, number, number],
  kind: (name: string, place: number, inputs: number, outputs: number) => Layer,
): Layer {
  const layers = PLACES.map((place, i): Layer => {
    const layer = kind(name, place, widths[i] as number, widths[i + 1] as number);
    return (map, context) => leakyRelu(layer(map, context), SLOPE);
  });
  return sequence(layers);
}

function paraphraser(make: ModelBuilder, channels: number, factors: number) {
  const encode = coder(
    "paraphraser.encoder",
    [channels, channels, factors, factors],
    (name, place, inputs, outputs) => {
      return convolution(make, `${name}.${place}`, { ...GEOMETRY, inputs, outputs, bias: true });
    },
  );
  const decode = coder(
    "paraphraser.decoder",
    [factors, factors, channels, channels],
    (name, place, inputs, outputs) => {
      return transposedConvolution(make, `${name}.${place}`, { ...GEOMETRY, inputs, outputs });
    },
  );
  return { encode, decode };
}

const translator = (make: ModelBuilder, channels: number, factors: number): Layer =>
  coder("translator.encoder", [channels, channels, factors, factors], (name, place, inputs, outputs) => {
    const shape = { ...GEOMETRY, inputs, outputs, bias: true };
    const convolve = convolution(make, `${name}.${place}`, shape);
    const norm = batchNorm(make, `${name}.${place + 1}`, outputs);
    return (map, context) => norm(convolve(map), context);
  });

/** FT: a paraphraser learns factors of the teacher's last map; then a translator maps the student's to the same. */
export const factor = defineMethod({
  name: "factor",
  summary: "first, factors that the teacher's last map can be made of; then where they are active (FT)",
  paper: "Kim et al., Paraphrasing Complex Network: Network Compression via Factor Transfer, NeurIPS 2018",
  code: REP_DISTILLER,
  formula:
    "first phase: mean of (d(e(f_t)) - f_t)^2; then mean of |a(t(f_s)) - a(e(f_t))|, a = normalize(mean over C of F^2), f the last map",
  traps: [
    "The paraphraser (e, d) learns in the first phase alone, the student and the translator t in the main part alone.",
    "The first phase's rate is the authors': 0.01 for resnet and wrn students, the run's --learning_rate for others, such as vgg.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 200 },
  options: {
    ...PHASE_OPTIONS,
    factor_init_lr: number(0.01, "Learning rate of the first phase.", {
      above: 0,
      touches: "numbers",
      defaultText: "0.01, or the run's",
    }),
  },
  defaults: PHASE_DEFAULTS,
  ofStudent: ({ student, learningRate }) => (/^(resnet\d|wrn_)/.test(student) ? {} : { factor_init_lr: learningRate }),
  terms: ["reconstruction", "factor"],
  sees: () => ["maps"],
  build(pair, { init_epochs, factor_init_lr }, make) {
    const channels = channelsOf(pair.teacher);
    const factors = Math.trunc(channels * RATE);
    const { encode, decode } = paraphraser(make, channels, factors);
    const learnBefore = make.state.flatMap(({ variable }) => variable ?? []);
    const translate = translator(make, channelsOf(pair.student), factors);
    return {
      terms({ student, teacher }, context) {
        const [ours, theirs] = toSmaller(translate(lastMap(student), context), encode(lastMap(teacher), context));
        return { factor: tf.mean(absolute(tf.sub(activity(ours), activity(theirs)))) as Scalar };
      },
      learnBefore,
      phases: [
        {
          epochs: init_epochs,
          terms: ["reconstruction"],
          learningRate: factor_init_lr,
          ...apartFromStudent(pair, learnBefore),
          loss({ teacher }, context) {
            const map = lastMap(teacher);
            return { reconstruction: meanSquaredError(decode(encode(map, context), context), map) };
          },
        },
      ],
    };
  },
});
