import assert from "node:assert/strict";
import { test } from "node:test";
import { ratioOf } from "./compare/comparison.js";
import { checkGradients, type GradientsGolden } from "./compare/gradientCheck.js";

/** Gradients of 8 elements of 0.5 each: norm and root mean square are known by heart. */
const EVEN = new Float32Array(8).fill(0.5);
const NORM = Math.SQRT2;
const ZERO_SPREAD = 1e-3;

/** A convolution whose gradient is zero in real arithmetic, one whose is not, and a classifier. */
const GOLDEN = {
  stateDict: ["dead", "conv", "fc.weight", "fc.bias"].map((name): [string, number[], string] => [name, [8], "float32"]),
  zero: ["dead"],
  norms: { dead: 0, conv: NORM, "fc.weight": NORM, "fc.bias": NORM },
  first4: Object.fromEntries(["conv", "fc.weight", "fc.bias"].map((name) => [name, [0.5, 0.5, 0.5, 0.5]])),
  spread: { norm: 0, zero: ZERO_SPREAD, elements: {} },
} satisfies GradientsGolden;

/** What does not hold when one gradient is another one. */
function failing(name: string, values: Float32Array | undefined): string[] {
  const gradients = new Map<string, Float32Array>();
  for (const other of ["conv", "fc.weight", "fc.bias"]) gradients.set(other, EVEN);
  gradients.set("dead", new Float32Array(8));
  if (values === undefined) gradients.delete(name);
  else gradients.set(name, values);
  const checks = checkGradients(GOLDEN, gradients);
  assert.equal(checks.length, 7, "four norms, and the first elements of three");
  return checks.filter((check) => !(ratioOf(check) <= 1)).map(({ what }) => what);
}

const withElement = (at: number, by: number) => EVEN.map((value, i) => (i === at ? value + by : value));

test("gradients that are the reference's pass", () => {
  assert.deepEqual(failing("conv", EVEN), []);
});

test("each of the first four elements may be off by two percent of the root mean square", () => {
  for (const at of [0, 1, 2, 3]) {
    assert.deepEqual(failing("conv", withElement(at, 0.0099)), []);
    assert.deepEqual(failing("conv", withElement(at, -0.0101)), [`train.gradFirst4 conv[${at}]`]);
  }
  assert.deepEqual(failing("conv", withElement(4, 0.02)), [], "the norm alone tells of the others");
});

test("a norm may be off by one percent", () => {
  assert.deepEqual(
    failing(
      "conv",
      EVEN.map((x) => x * 1.0099),
    ),
    [],
  );
  const off = EVEN.map((x) => x * 1.0101);
  assert.deepEqual(failing("conv", off), ["train.gradL2 conv"]);
});

test("the classifier's gradients, weight and bias, see no jumps: 1e-4", () => {
  for (const name of ["fc.weight", "fc.bias"]) {
    assert.deepEqual(failing(name, withElement(2, 0.5e-4 * 0.9)), []);
    assert.deepEqual(failing(name, withElement(2, 0.5e-4 * 1.1)), [`train.gradFirst4 ${name}[2]`]);
    assert.deepEqual(failing(name, withElement(7, 0.01)), [`train.gradL2 ${name}`]);
  }
});

test("a gradient that is zero in real arithmetic may be five times the reference's noise", () => {
  const noise = (length: number) => EVEN.map((x) => (x * length) / NORM);
  assert.deepEqual(failing("dead", noise(4.9 * ZERO_SPREAD)), []);
  assert.deepEqual(failing("dead", noise(5.1 * ZERO_SPREAD)), ["train.gradZero dead"]);
});

test("a gradient that is not there does not hold", () => {
  assert.deepEqual(failing("conv", undefined), ["train.gradL2 conv", "train.gradFirst4 conv"]);
  assert.deepEqual(failing("dead", undefined), ["train.gradZero dead"]);
});

test("without jumps every gradient is held to 1e-4, its chosen elements too, but for parts that are zero", () => {
  const golden = {
    stateDict: GOLDEN.stateDict,
    smooth: true,
    norms: { conv: 1 },
    zero: [],
    zeroRange: { conv: [4, 8] },
    first4: {},
    probe8: { conv: [0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0] },
    spread: { norm: 0, zero: ZERO_SPREAD, elements: {} },
  } satisfies GradientsGolden & { zeroRange: Record<string, [number, number]> };
  const noisy = (at: number, by: number) => {
    const values = new Float32Array([0.5, 0.5, 0.5, 0.5, 1e-4, 0, 0, 0]);
    values[at] = (values[at] as number) + by;
    const checks = checkGradients(golden, new Map([["conv", values]]));
    return checks.filter((check) => ratioOf(check) > 1).map(({ what }) => what);
  };
  assert.deepEqual(noisy(1, 0), []);
  assert.deepEqual(noisy(1, 1e-4), ["train.gradProbe8 conv[1]"]);
  assert.deepEqual(noisy(5, 0.01), ["train.gradZero conv"]);
});
