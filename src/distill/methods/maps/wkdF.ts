import { inputError } from "../../../common/errors.js";
import { integer, number } from "../../../common/optionRow.js";
import { relu } from "../../../nn/activation.js";
import { type Scalar, type Tensor, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { convRegressor, type PairedMaps } from "../../parts/maps.js";
import { cosineDecay, WKD } from "../../parts/wasserstein.js";

/** Added to variances. */
const EPSILON = 1e-5;

/** Mean and deviation of each channel in each cell of a grid of a map [N, H, W, C], unbiased. @returns both [N, cells, C] */
function gaussians(map: Tensor4D, grid: number): [mean: Tensor, deviation: Tensor] {
  const [images, height, width, channels] = map.shape;
  const [rows, columns] = [height / grid, width / grid];
  const cells = tf.reshape(map, [images * grid, rows, grid, columns, channels]);
  const mean = tf.mean(cells, [1, 3], true);
  const squares = tf.sum(tf.square(tf.sub(cells, mean)), [1, 3]);
  return [mean, tf.sqrt(tf.add(tf.div(squares, rows * columns - 1), EPSILON))];
}

/** WKD-F: Wasserstein distance of the Gaussians that the last maps' channels follow over pixels. */
export const wkdF = defineMethod({
  ...WKD,
  name: "wkd_f",
  summary: "Wasserstein distance of last maps, as Gaussians of each channel (WKD-F)",
  formula:
    "(ratio |mean(r(f_s)) - mean(f_t)|^2 + |std(r(f_s)) - std(f_t)|^2) / (N grid^2), mean and sqrt(var + 1e-5) of each channel over the pixels of a cell, r: relu(bn(conv))",
  weights: { gamma: 1, alpha: 0, beta: 0.08 },
  published: [
    { pairs: ["wrn_40_2-ShuffleV1"], weights: { beta: 0.3 }, options: { wkd_mean_cov_ratio: 3, wkd_spatial_grid: 4 } },
  ],
  options: {
    wkd_mean_cov_ratio: number(4, "Weight of the means.", { min: 0, touches: "numbers" }),
    wkd_spatial_grid: integer(1, "Cells along each side of a map.", { min: 1, touches: "numbers" }),
  },
  terms: ["mean", "std"],
  sees: () => ["maps"],
  build({ student, teacher }, { wkd_mean_cov_ratio, wkd_spatial_grid: grid }, make) {
    const [from, to] = [student.maps.at(-1), teacher.maps.at(-1)] as unknown as [number[], number[]];
    const [height, width] = to as [number, number];
    if (height % grid !== 0 || width % grid !== 0 || height * width <= grid ** 2) {
      throw inputError(
        `--wkd_spatial_grid ${grid}: the teacher's last map of ${height}x${width} has no cells of equally many pixels.`,
        "Give a divisor of its height and width that is less than them.",
      );
    }
    const regress = convRegressor(make, "conv_reg", { student: from, teacher: to } as unknown as PairedMaps);
    return {
      optimizer: { nesterov: true },
      terms(at, context) {
        const ours = gaussians(relu(regress(at.student.maps.at(-1)?.out as Tensor4D, context)), grid);
        const theirs = gaussians(at.teacher.maps[teacher.maps.length - 1]?.out as Tensor4D, grid);
        const share = tf.div(cosineDecay(at.epoch), ours[1].shape[0] * grid);
        const [mean, std] = ours.map((one, i) => tf.sum(tf.square(tf.sub(one, theirs[i] as Tensor)))) as [
          Tensor,
          Tensor,
        ];
        return { mean: tf.mul(tf.mul(mean, share), wkd_mean_cov_ratio) as Scalar, std: tf.mul(std, share) as Scalar };
      },
    };
  },
});
