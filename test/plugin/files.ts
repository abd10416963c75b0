import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A method whose loss is the mean squared error of vectors, brought to one length by a matrix. */
export const methodText = (name: string, { body = "", option = `${name}_scale` } = {}): string => `
import { defineMethod, definePlugin, linear, number, tf } from "pefd/plugin";
export default definePlugin({
  methods: [
    defineMethod({
      name: "${name}",
      summary: "mean squared error of vectors",
      paper: "none, 2026",
      code: "none",
      formula: "mean of (W p_s - p_t)^2",
      weights: { gamma: 1, alpha: 0, beta: 1 },
      options: { ${option}: number(1, "Factor of the loss.", { above: 0 }) },
      terms: ["vectors"],
      sees: () => ["pooled"],
      build({ student, teacher }, { ${option}: scale }, make) {
        const embed = linear(make, "embed", student.pooled, teacher.pooled);
        return {
          terms(at) {
            ${body}
            const difference = tf.sub(embed(at.student.pooled), at.teacher.pooled);
            return { vectors: tf.mul(tf.mean(tf.square(difference)), scale) };
          },
        };
      },
    }),
  ],
});
`;

/** A data set of random images of four classes. */
export const datasetText = (name: string): string => `
import { createRandom, datasetInMemory, definePlugin } from "pefd/plugin";
function noise(count, purpose) {
  const random = createRandom(1, "${name}", purpose);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 4);
  const images = Uint8Array.from({ length: count * 3072 }, (_, i) =>
    random.integer(100) + 40 * labels[Math.floor(i / 3072)]);
  return { images, labels };
}
export default definePlugin({
  datasets: [
    datasetInMemory({
      name: "${name}",
      title: "Noise",
      classNames: ["a", "b", "c", "d"],
      format: {
        height: 32, width: 32, channels: 3,
        normalization: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
        augmentation: { kind: "shift", padding: 2 },
      },
      defaults: { data: ".", batch_size: 8, epochs: 1 },
      read: () => ({ train: noise(24, "train"), test: noise(8, "test") }),
    }),
  ],
});
`;

/** Writes a file into a folder. @returns its path */
export function written(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
