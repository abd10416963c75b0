import assert from "node:assert/strict";
import { test } from "node:test";
import type { TensorDescription } from "#pefd/nn/builder.js";
import {
  type Initialization,
  kaimingNormalFanIn,
  kaimingNormalFanOut,
  randomFill,
  uniformWithin,
} from "#pefd/nn/initialization.js";
import type { Role } from "#pefd/nn/model.js";

/** A convolution's or linear layer's tensor of many elements, so that moments are near what they are to be. */
const described = (role: Role, shape: number[], fanIn: number, name = role): TensorDescription => ({
  name,
  role,
  shape,
  fanIn,
  position: 0,
});

const CONVOLUTION = described("conv.weight", [128, 32, 3, 3], 32 * 9);

const valuesOf = (tensor: TensorDescription, rules: Initialization = {}, owner = "student") =>
  randomFill(1, owner, rules)(tensor);

function moments(values: Float32Array) {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const square = values.reduce((sum, x) => sum + x * x, 0) / values.length;
  return { mean, deviation: Math.sqrt(square - mean * mean) };
}

/** Means and deviations of samples, five standard errors wide. */
function assertMoments(values: Float32Array, deviation: number): void {
  const found = moments(values);
  const error = 5 / Math.sqrt(values.length);
  assert.ok(Math.abs(found.mean) < error * deviation, `mean ${found.mean}`);
  assert.ok(Math.abs(found.deviation / deviation - 1) < error, `deviation ${found.deviation}`);
}

function assertUniform(values: Float32Array, bound: number): void {
  const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  assert.ok(largest <= bound && largest > 0.99 * bound, `${largest} of ${bound}`);
  assertMoments(values, bound / Math.sqrt(3));
}

test("PyTorch's default of weights and biases: uniform within 1 / sqrt(fan in)", () => {
  assertUniform(valuesOf(CONVOLUTION), 1 / Math.sqrt(288));
  assertUniform(valuesOf(described("conv.bias", [4096], 288)), 1 / Math.sqrt(288));
  assertUniform(valuesOf(described("linear.weight", [100, 64], 64)), 1 / 8);
});

test("uniform within a gain, and both of Kaiming's normals", () => {
  const of = (rule: Initialization["conv.weight"]) => valuesOf(CONVOLUTION, rule && { "conv.weight": rule });
  assertUniform(of(uniformWithin(Math.sqrt(3))), Math.sqrt(3 / 288));
  assertMoments(of(kaimingNormalFanIn), Math.sqrt(2 / 288));
  assertMoments(of(kaimingNormalFanOut), Math.sqrt(2 / (128 * 9)));
});

test("batch normalisation starts as the identity", () => {
  const of = (role: Role) => new Set(valuesOf(described(role, [8], 8)));
  assert.deepEqual(
    (["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"] as const).map((role) => [...of(role)]),
    [[1], [0], [0], [1]],
  );
});

test("a tensor's values follow from seed, owner and name, and from no other tensor", () => {
  const fill = randomFill(1, "student", {});
  const [bias, other] = ["a", "b"].map((name) => described("linear.bias", [9], 9, name as Role));
  const first = fill(bias as TensorDescription);
  fill(other as TensorDescription);
  assert.deepEqual(fill(bias as TensorDescription), first);
  assert.notDeepEqual(fill(other as TensorDescription), first);
  assert.notDeepEqual(valuesOf(bias as TensorDescription, {}, "teacher"), first);
  assert.notDeepEqual(randomFill(2, "student", {})(bias as TensorDescription), first);
});

test("a tensor's own rule goes before that of its role", () => {
  const own = { ...CONVOLUTION, initializer: uniformWithin(0) };
  assert.ok(valuesOf(own).every((value) => value === 0));
});
