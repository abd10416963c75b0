import { createRandom } from "../common/random.js";
import type { ImagesInMemory } from "./dataset.js";
import { assembleTrainBatch } from "./hostBatch.js";
import { drawAugmentation, imagesByClass, PLAN_COLUMNS } from "./sampler.js";
import type { StrongSource } from "./strong/strongView.js";

/** Images of each class, by set. */
const known = new WeakMap<ImagesInMemory, ReturnType<typeof imagesByClass>>();

function classesOf(set: ImagesInMemory) {
  const classes = known.get(set) ?? imagesByClass(set.labels);
  known.set(set, classes);
  return classes;
}

/**
 * For each of some sampler rows [n, 4] an image of the same class, drawn with replacement (it may be the row's own), with
 * a crop and flip of its own, as in CS-KD (Yun et al., CVPR 2020); the same for seed, epoch and image, as after a resume.
 * @returns [n, height, width, 3], normalized
 */
export function assembleClassBatch(
  set: ImagesInMemory,
  planRows: Int32Array,
  { seed, epoch }: StrongSource,
): Float32Array {
  const classes = classesOf(set);
  const rows = new Int32Array(planRows.length);
  for (let at = 0; at < rows.length; at += PLAN_COLUMNS) {
    const image = planRows[at] as number;
    const random = createRandom(seed, "class view", epoch, image);
    const members = classes.get(set.labels[image] as number) ?? [image];
    rows.set([members[random.integer(members.length)] as number, ...drawAugmentation(random, set.augmentation)], at);
  }
  return assembleTrainBatch(set, rows).images;
}
