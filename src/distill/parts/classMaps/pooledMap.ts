import { inputError } from "../../../common/errors.js";
import { relu } from "../../../nn/activation.js";
import type { FeatureMap } from "../../../nn/model.js";
import type { Tensor4D } from "../../../runtime/tf.js";
import type { Pair, TwoOutputs } from "../../method.js";

/**
 * Both models' maps [N, H, W, C] whose means are their pooled vectors. The teacher's is its last one behind the last ReLU,
 * which a WideResNet has behind its last map.
 */
export const pooledMaps = ({
  student,
  teacher,
}: TwoOutputs): [ours: Tensor4D, theirs: Tensor4D] => [
  student.averaged as Tensor4D,
  relu((teacher.maps.at(-1) as FeatureMap).beforeRelu),
];

/**
 * Makes sure that the mean of the teacher's last map is its pooled vector.
 * @param method for the sentence
 * @throws inputError for a teacher with layers in between, such as MobileNetV2
 */
export function requirePooledMap(method: string, { teacher }: Pair): void {
  if (teacher.maps.at(-1)?.[2] === teacher.pooled) return;
  throw inputError(
    `${method} puts the classifier on the last map, but this teacher has layers between its last map and its pooled vector.`,
    "Choose a teacher that averages its last map, such as a resnet, a wrn, a vgg or ResNet50.",
  );
}
