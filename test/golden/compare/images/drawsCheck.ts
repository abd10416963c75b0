import { createRandom } from "#pefd/common/random.js";
import { drawBox } from "#pefd/data/images/view.js";
import { type Check, checkNumber, checkNumbers } from "../comparison.js";
import type { GoldenDraws } from "./schema.js";

/** torchvision's defaults, which train on ImageNet. */
const CROP = { kind: "resized crop", scale: [0.08, 1], ratio: [3 / 4, 4 / 3] } as const;

/** Means and quantiles of 50,000 draws, theirs and ours of another generator: five standard errors of the widest one. */
const bound = () => 0.01;

const QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95];

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function quantilesOf(values: readonly number[]): number[] {
  const sorted = Float64Array.from(values).sort();
  return QUANTILES.map((share) => sorted[Math.round(share * (sorted.length - 1))] as number);
}

/** Compares how boxes of random crops are distributed; areas and places are shares of the image's. */
export function checkDraws(golden: GoldenDraws): Check[] {
  const { width, height, draws } = golden;
  const random = createRandom(1, "crop", width, height);
  const boxes = Array.from({ length: draws }, () => drawBox(random, golden, CROP));
  const areas = boxes.map((box) => (box.height * box.width) / (height * width));
  const ratios = boxes.map((box) => box.width / box.height);
  const what = `random crops of ${width} x ${height}`;
  const number = (of: string, values: readonly number[], expected: number) =>
    checkNumber(`${what}: mean ${of}`, meanOf(values), expected, bound);
  const quantiles = (of: string, values: readonly number[], expected: readonly number[]) =>
    checkNumbers(`${what}: quantiles of the ${of}`, quantilesOf(values), expected, bound);
  const tops = boxes.map((box) => box.top / height);
  const lefts = boxes.map((box) => box.left / width);
  return [
    number("area", areas, golden.mean_area),
    number("logarithm of the ratio", ratios.map(Math.log), golden.mean_log_ratio),
    number("top", tops, golden.mean_top),
    number("left", lefts, golden.mean_left),
    quantiles("area", areas, golden.area_quantiles_5_25_50_75_95),
    quantiles("ratio", ratios, golden.ratio_quantiles_5_25_50_75_95),
  ];
}
