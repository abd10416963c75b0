import { inputError } from "../../../common/errors.js";
import { meanSquaredError } from "../../../nn/gradients.js";
import type { ModelOutput } from "../../../nn/model.js";
import { type Scalar, type Tensor, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod, type FeatureShapes, type Pair, REP_DISTILLER } from "../../method.js";
import { PHASE_DEFAULTS, PHASE_OPTIONS } from "../../options.js";
import { featurePhase } from "../../parts/losses.js";
import { pairedMaps, toSmaller } from "../../parts/maps.js";

const channelsOf = ({ stem, maps }: FeatureShapes): (number | undefined)[] =>
  [stem, ...maps].map((shape) => shape?.[2]);

function checkChannels(pair: Pair): void {
  pairedMaps(pair);
  const [ours, theirs] = [channelsOf(pair.student), channelsOf(pair.teacher)];
  if (!ours.includes(undefined) && ours.join() === theirs.join()) return;
  const told = (channels: (number | undefined)[]) => channels.map((n) => n ?? "none").join(", ");
  throw inputError(
    `Flow matrices need stem and maps with as many channels in both models; the student has ${told(ours)}, the teacher ${told(theirs)}.`,
    "Choose models of one width (resnet32x4 and resnet8x4), or another method.",
  );
}

/** Flow from a map to the next: products averaged over pixels. @returns [N, C of one, C of the next] */
function flow(one: Tensor4D, next: Tensor4D): Tensor {
  const [below, above] = toSmaller(one, next).map((map) => {
    const [images, height, width, channels] = map.shape;
    return tf.reshape(map, [images, height * width, channels]);
  }) as [Tensor, Tensor];
  return tf.div(tf.matMul(below, above, true, false), below.shape[1] as number);
}

function flows({ stem, maps }: ModelOutput): Tensor[] {
  const all = [stem, ...maps].map((map) => map?.out as Tensor4D);
  return all.slice(1).map((next, i) => flow(all[i] as Tensor4D, next));
}

/** FSP: first the student learns the flow between the teacher's maps, then to classify. */
export const fsp = defineMethod({
  name: "fsp",
  summary: "first, how each map follows from the one before; then classification alone (FSP)",
  paper:
    "Yim et al., A Gift from Knowledge Distillation: Fast Optimization, Network Minimization and Transfer Learning, CVPR 2017",
  code: REP_DISTILLER,
  formula:
    "first phase: sum over neighbouring maps of the mean of (G_s - G_t)^2, G = mean over places of f_i f_(i+1)', stem included; then cross entropy alone",
  traps: [
    "The main part has no term of the method's: it is a plain training from where the first phase ended, with a fresh optimizer.",
    "Stem and maps of both models must have equally many channels.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 50 },
  options: PHASE_OPTIONS,
  defaults: PHASE_DEFAULTS,
  terms: ["flow"],
  sees: () => ["maps", "stem"],
  build(pair, { init_epochs }) {
    checkChannels(pair);
    return {
      terms: () => ({}),
      phases: [
        {
          epochs: init_epochs,
          terms: ["flow"],
          ...featurePhase(pair, []),
          loss({ student, teacher }) {
            const theirs = flows(teacher);
            const terms = flows(student).map((ours, i) => meanSquaredError(ours, theirs[i] as Tensor));
            return { flow: terms.reduce((sum, term) => tf.add(sum, term)) as Scalar };
          },
        },
      ],
    };
  },
});
