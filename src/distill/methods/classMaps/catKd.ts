import { flag, integer } from "../../../common/optionRow.js";
import { adaptiveAveragePool } from "../../../nn/pool.js";
import { type Scalar, type Tensor2D, type Tensor4D, tf, type Variable } from "../../../runtime/tf.js";
import { type ClassMaps, defineMethod } from "../../method.js";
import { classifierOf } from "../../parts/classMaps.js";
import { normalizedAlong } from "../../parts/losses.js";

/** Mean squared error of class maps, average-pooled to some cells along a side. */
function lossOf(
  { student, teacher }: ClassMaps,
  _at: object,
  settings: { cat_kd_resolution: number; cat_kd_normalize: boolean },
) {
  const { cat_kd_resolution, cat_kd_normalize } = settings;
  const compared = (maps: Tensor4D) => {
    const means = adaptiveAveragePool(maps, [cat_kd_resolution, cat_kd_resolution]);
    return cat_kd_normalize ? normalizedAlong(means, 1, 2) : means;
  };
  const difference = tf.sub(compared(student), compared(teacher));
  return { cat: tf.mean(tf.square(difference)) as Scalar };
}

/** A classifier's weights [classes, C] applied to each pixel of a map [N, H, W, C]: [N, H, W, classes]. */
function classMap(map: Tensor4D, weight: Tensor2D): Tensor4D {
  const [images, height, width, channels] = map.shape;
  const places = tf.reshape(map, [images * height * width, channels]) as Tensor2D;
  const found = tf.matMul(places, weight, false, true);
  return tf.reshape(found, [images, height, width, weight.shape[0]]);
}

/** CAT-KD (section 3.2); the authors' 1x1 convolution before averaging is this classifier with a bias of zero. */
export const catKd = defineMethod({
  name: "cat_kd",
  summary: "mean squared error of class activation maps (CAT-KD)",
  paper: "Guo et al., Class Attention Transfer Based Knowledge Distillation, CVPR 2023",
  code: "GzyAftermath/CAT-KD 4467073",
  formula: "mse of W_s f_s and W_t f_t, averaged to r x r places; W: the classifiers' weights",
  traps: [
    "The student's classifier has no bias: it is zero and stays so. The teacher's bias takes no part.",
    "How large the maps' values are depends on the pair, and so does the weight.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 15 },
  published: [
    { pairs: ["vgg13-vgg8"], weights: { beta: 4.5 } },
    { pairs: ["wrn_40_2-wrn_16_2"], weights: { beta: 12 } },
    { pairs: ["wrn_40_2-wrn_40_1"], weights: { beta: 1.5 } },
    { pairs: ["resnet56-resnet20"], weights: { beta: 0.7 } },
    { pairs: ["resnet110-resnet32"], weights: { beta: 1.8 } },
    {
      pairs: ["resnet32x4-ShuffleV1", "resnet32x4-ShuffleV2"],
      weights: { beta: 600 },
      options: { cat_kd_resolution: 4, cat_kd_normalize: true },
    },
    {
      pairs: ["wrn_40_2-ShuffleV1"],
      weights: { beta: 80 },
      options: { cat_kd_resolution: 4, cat_kd_normalize: true },
    },
    { pairs: ["ResNet50-MobileNetV2"], weights: { beta: 40 }, options: { cat_kd_normalize: true } },
    { pairs: ["vgg13-MobileNetV2"], weights: { beta: 15 }, options: { cat_kd_normalize: true } },
  ],
  options: {
    cat_kd_resolution: integer(2, "Places along a side that class maps are averaged to.", {
      min: 1,
      max: 32,
      touches: "numbers",
    }),
    cat_kd_normalize: flag("Compare the directions of class maps, not their lengths.", {
      touches: "numbers",
    }),
  },
  terms: ["cat"],
  sees: () => ["averaged"],
  ofClassMaps: lossOf,
  build(pair, options) {
    const [ours, theirs] = [classifierOf(pair.student), classifierOf(pair.teacher)];
    return {
      removed: [ours.bias as Variable],
      terms(at) {
        const maps = {
          student: classMap(at.student.averaged as Tensor4D, ours.weight),
          teacher: classMap(at.teacher.averaged as Tensor4D, theirs.weight),
        };
        return lossOf(maps, at, options);
      },
    };
  },
});
