import { inputError } from "../../../common/errors.js";
import { relu } from "../../../nn/activation.js";
import type { ModelBuilder } from "../../../nn/builder.js";
import { sumOfSquares } from "../../../nn/gradients.js";
import { kaimingNormalFanOut } from "../../../nn/initialization.js";
import { batchNorm, convolution } from "../../../nn/layers.js";
import type { ForwardContext } from "../../../nn/model.js";
import { adaptiveAveragePool } from "../../../nn/pool.js";
import { type Scalar, type Tensor, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod, type FeatureShapes } from "../../method.js";
import { leftOut, pairedMaps } from "../../parts/maps.js";

/** Below this share of negative values the margin is a multiple of the deviation. */
const RARE = 0.001;
const RARE_DEVIATIONS = 3;

/** Standard normal distribution function. */
const normalBelow = (x: Tensor): Tensor => tf.div(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 2);

/** Mean of a channel's negative values [C], of a normal distribution N(`offset`, scale^2) (section 3.2). */
function marginOf(scale: Tensor, offset: Tensor): Tensor {
  const deviation = tf.abs(scale);
  const ratio = tf.div(offset, deviation);
  const negative = normalBelow(tf.neg(ratio));
  const density = tf.div(tf.exp(tf.div(tf.square(ratio), -2)), Math.sqrt(2 * Math.PI));
  const mean = tf.sub(offset, tf.div(tf.mul(deviation, density), negative));
  return tf.where(tf.greater(negative, RARE), mean, tf.mul(deviation, -RARE_DEVIATIONS));
}

/** Batch normalisation before the ReLU of each of the teacher's maps. @throws inputError without them */
function normsOf({ norms, state, maps }: FeatureShapes): [scale: Tensor, offset: Tensor][] {
  const tensor = (name: string) => state.find((entry) => entry.name === name)?.variable as Tensor;
  if (norms.length === maps.length) {
    return norms.map((name) => [tensor(`${name}.weight`), tensor(`${name}.bias`)]);
  }
  throw inputError(
    "ofd takes its margins from the batch normalisations before the teacher's last ReLUs, and this teacher's maps have none.",
    "Choose a teacher of the families resnet, wrn, vgg or MobileNetV2 (pefd models).",
  );
}

function connector(make: ModelBuilder, name: string, inputs: number, outputs: number) {
  const options = { inputs, outputs, kernel: 1, stride: 1, padding: 0 };
  const conv = convolution(make, `${name}.0`, { ...options, initializer: kaimingNormalFanOut });
  const bn = batchNorm(make, `${name}.1`, outputs);
  return (x: Tensor4D, context: ForwardContext) => bn(conv(x), context);
}

/**
 * Partial L2 (section 3.3): squared differences, at non-positive teacher values only where the student exceeds
 * max(teacher, margin); summed, divided by N.
 */
function partialL2(student: Tensor4D, teacher: Tensor4D, margin: Tensor): Scalar {
  const is = (condition: Tensor) => tf.cast(condition, "float32");
  const positive = is(tf.greater(teacher, 0));
  const below = tf.maximum(teacher, margin);
  const difference = tf.add(
    tf.mul(tf.sub(student, teacher), positive),
    tf.mul(relu(tf.sub(student, below) as Tensor4D), tf.sub(1, positive)),
  );
  return tf.div(tf.reshape(sumOfSquares(difference, 0, 1, 2, 3), []), student.shape[0]) as Scalar;
}

/** OFD: maps before their ReLUs through a convolution, by a partial L2 distance with margins. */
export const ofd = defineMethod({
  name: "ofd",
  summary: "maps before ReLU by a partial L2 distance with margins (OFD)",
  paper: "Heo et al., A Comprehensive Overhaul of Feature Distillation, ICCV 2019",
  code: "megvii-research/mdistiller a08d46f",
  formula:
    "sum over maps i of n of 2^(i - n) |partial(bn(W f_s^i), f_t^i, m^i)|^2 / N, maps before ReLU, m the mean of a channel's negative values",
  traps: [
    "The teacher is in training mode: it normalises by the batch, and its running statistics move.",
    "A map's distance is a sum over all of its elements, hence the small weight.",
    "Of a student with more maps than the teacher the first ones take no part; with fewer maps the authors' margins do not fit, and the pair is refused.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 0.001 },
  options: {},
  terms: ["ofd"],
  teacherMode: "training",
  sees: () => ["maps"],
  build(pair, _options, make) {
    const [ours, theirs] = [pair.student.maps, pair.teacher.maps];
    // The authors align both lists at their ends.
    const spare = Math.max(0, ours.length - theirs.length);
    const student = { ...pair.student, maps: ours.slice(spare) };
    const maps = pairedMaps({ student, teacher: pair.teacher });
    const norms = normsOf(pair.teacher);
    const connectors = maps.map(({ student, teacher }, i) =>
      connector(make, `connectors.connectors.${i}`, student[2], teacher[2]),
    );
    return {
      ...(spare > 0 && {
        notices: [leftOut([ours.length, theirs.length], `last ${theirs.length}`)],
      }),
      terms({ student, teacher }, context) {
        const losses = connectors.map((connect, i) => {
          const ours = connect(student.maps[i + spare]?.beforeRelu as Tensor4D, context);
          const theirs = teacher.maps[i]?.beforeRelu as Tensor4D;
          const target = adaptiveAveragePool(theirs, [ours.shape[1], ours.shape[2]]);
          const [scale, offset] = norms[i] as [Tensor, Tensor];
          const loss = partialL2(ours, target, marginOf(scale, offset));
          return tf.mul(loss, 2 ** (i + 1 - connectors.length));
        });
        return { ofd: losses.reduce((sum, loss) => tf.add(sum, loss)) as Scalar };
      },
    };
  },
});
