import assert from "node:assert/strict";
import { test } from "node:test";
import { project } from "#pefd/analysis/analyze.js";
import {
  betweenClassCosine,
  classMeans,
  cosine,
  linearCka,
  matchPercentage,
  meanDirectionAlignment,
  meanNorm,
  zeroPercentage,
} from "#pefd/analysis/measures.js";
import { matrixOf } from "./matrix.js";

const close = (actual: number | undefined, expected: number) =>
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-12, `${actual} instead of ${expected}`);

test("cosine: 3-4-5 against an axis, opposite directions, and 0 for a vector without direction", () => {
  close(cosine(Float64Array.of(3, 4), Float64Array.of(10, 0)), 0.6);
  close(cosine(Float64Array.of(1, 2), Float64Array.of(-2, -4)), -1);
  assert.equal(cosine(Float64Array.of(0, 0), Float64Array.of(1, 1)), 0);
});

test("MDA is the mean over samples, whatever the lengths: (0.6 + 1 + 0) / 3", () => {
  const student = matrixOf([
    [3, 4],
    [0, 2],
    [5, 0],
  ]);
  const teacher = matrixOf([
    [1, 0],
    [0, 7],
    [0, 1],
  ]);
  close(meanDirectionAlignment(student, teacher), 1.6 / 3);
});

test("MDA does not exist for features of two sizes", () => {
  assert.equal(meanDirectionAlignment(matrixOf([[1, 2]]), matrixOf([[1, 2, 3]])), undefined);
});

const FEATURES = matrixOf([
  [2, 0],
  [0, 4],
  [4, 0],
  [5, 5],
]);
const LABELS = [7, 30, 7, 99];

test("class means are of the classes that occur, in the order of the labels", () => {
  assert.deepEqual([...classMeans(FEATURES, LABELS).values], [3, 0, 0, 4, 5, 5]);
});

test("between-class cosine is the mean over pairs: (0 + 2 / sqrt 2) / 3, and needs two classes", () => {
  close(betweenClassCosine(FEATURES, LABELS), Math.SQRT2 / 3);
  assert.equal(betweenClassCosine(FEATURES, [1, 1, 1, 1]), undefined);
});

test("CKA by hand: x = (-1, 0, 1), y = (1, -2, 1) have none, x and (0, 0, 3) have 3/4", () => {
  const x = matrixOf([[-1], [0], [1]]);
  close(linearCka(x, matrixOf([[1], [-2], [1]])), 0);
  // Centered (-1, -1, 2): the squared correlation 3^2 / (2 * 6).
  close(linearCka(x, matrixOf([[0], [0], [3]])), 0.75);
});

test("CKA is 1 for features that are rotated, scaled and shifted, and undefined for constant ones", () => {
  const x = [
    [1, 2],
    [3, -1],
    [0, 5],
    [2, 2],
  ];
  const turned = x.map(([a = 0, b = 0]) => [7 - 3 * b, 1 + 3 * a]);
  close(linearCka(matrixOf(x), matrixOf(turned)), 1);
  assert.equal(linearCka(matrixOf(x), matrixOf(x.map(() => [1, 1]))), undefined);
});

test("norms, zeros and matches are counted", () => {
  const features = matrixOf([
    [3, 4],
    [0, 1],
    [0, 0],
  ]);
  close(meanNorm(features), 2);
  close(zeroPercentage(features), 50);
  close(matchPercentage([1, 2, 3, 4], [1, 0, 3, 5]), 50);
});

test("the ensemble is the mean of ReLUs, not the ReLU of the mean", () => {
  const projectors = [
    { weight: matrixOf([[1, 1]]), bias: Float64Array.of(1) },
    { weight: matrixOf([[-1, 0]]), bias: Float64Array.of(-9) },
  ];
  // relu(2 + 3 + 1) and relu(-2 - 9): their mean.
  assert.deepEqual([...project(matrixOf([[2, 3]]), projectors).values], [3]);
});
