import { PLUGINS } from "../common/plugins.js";
import { createRandom } from "../common/random.js";
import type { ImagesInMemory } from "../data/dataset.js";
import type { Plugin } from "../plugin/define.js";
import { registerPlugin } from "../plugin/register.js";
import { checkedPlugin } from "../plugin/shape.js";
import { loadTensorFlow } from "../runtime/tf.js";

/** The models that a method is tried on. */
export interface TestedPair {
  readonly teacher: string;
  readonly student: string;
}

/** Two small models of unequal widths, with maps of equal sizes. */
export const PAIR: TestedPair = { teacher: "resnet8x4", student: "resnet8" };

/** Classes of the images that methods and models are tried on. */
export const CLASSES = 10;

/** Images of a step. */
export const BATCH = 4;

const taken = new Set<Plugin>();

/**
 * Loads the native library, and takes in a plug-in that was imported, once.
 * @throws inputError where it has another shape, or its names are taken
 */
export function use(plugin: Plugin): void {
  loadTensorFlow({ env: process.env });
  if (taken.has(plugin)) return;
  const name = `under test (${PLUGINS.names().length + 1})`;
  registerPlugin(name, "0".repeat(64), checkedPlugin(name, plugin));
  taken.add(plugin);
}

/** Images of noise with random labels. @param side height and width */
export function noiseImages(count: number, side: number, seed: number): ImagesInMemory {
  const random = createRandom(seed, "noise");
  return {
    ...{ kind: "memory", count, height: side, width: side, channels: 3 },
    normalization: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
    augmentation: { kind: "shift", padding: 2 },
    images: Uint8Array.from({ length: count * side * side * 3 }, () => random.integer(256)),
    labels: Uint8Array.from({ length: count }, () => random.integer(CLASSES)),
  };
}
