import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import type { Step } from "#pefd/compile/types.js";
import { loadTensorFlow, type Tensor, tf, type Variable } from "#pefd/runtime/tf.js";
import { programOf } from "../programs.js";

before(() => {
  loadTensorFlow();
});

const ENGINES = ["eager", "xla"] as const;

/** A variable of any shape whose elements are 0.5, 1, 1.5, ... */
function counting(t: TestContext, shape: number[]): Variable {
  const made = tf.tidy(() =>
    tf.variable(
      tf
        .add(tf.range(1, 1 + tf.util.sizeFromShape(shape)), 0)
        .mul(0.5)
        .reshape(shape),
    ),
  );
  t.after(() => made.dispose());
  return made;
}

/** Momentum SGD towards the feed's sum, for parameters of any shapes. */
const descent =
  (pairs: readonly (readonly [Variable, Variable])[], factorOf: (index: number) => number): Step =>
  ({ x }) =>
    pairs.flatMap(([parameter, momentumBuffer], i) => {
      const gradient = tf.mul(tf.square(parameter), tf.sum(x as Tensor));
      const next = tf.add(tf.mul(momentumBuffer, factorOf(i)), tf.sub(gradient, tf.mul(parameter, -0.5)));
      return [
        [momentumBuffer, next],
        [parameter, tf.sub(parameter, tf.mul(next, 0.01))],
      ] as const;
    });

const SHAPES = [[3], [2, 2, 3, 4], [], [4, 5], [1, 1, 2, 2], [7]];

for (const engine of ENGINES) {
  for (const known of [false, true]) {
    test(`${engine}, rounds ${known ? "known" : "fed"}: updates of many shapes, packed or not, are those of the step`, (t) => {
      // Two kinds of arithmetic, one variable alone of its kind, one that is only read and one without a step of its own.
      const pairs = SHAPES.map((shape) => [counting(t, shape), counting(t, shape)] as const);
      const constant = counting(t, [2]);
      const total = counting(t, [2]);
      const rule = descent(pairs, (i) => (i < 4 ? 0.9 : 0.25));
      const step: Step = (feeds) => [...rule(feeds), [total, tf.add(total, tf.mul(constant, feeds.x as Tensor))]];
      const all = [...pairs.flat(), constant, total];
      const start = all.map((variable) => variable.dataSync().slice() as Float32Array);
      const program = programOf(engine, all, step, 3, known);
      program.push("all");
      const fed = Float32Array.of(0.1, 0.2, 0.3, 0.1, -0.2, 0.4);
      program.run("step", { x: fed }, 3);
      program.run("step", { x: Float32Array.of(0.5, 0.25) }, 1);
      program.pull("all");
      const expected = start.map((values) => Float32Array.from(values));
      for (const [a, b] of [
        [0.1, 0.2],
        [0.3, 0.1],
        [-0.2, 0.4],
        [0.5, 0.25],
      ] as const) {
        pairs.forEach((_, i) => {
          const [p, v] = [expected[2 * i], expected[2 * i + 1]] as [Float32Array, Float32Array];
          p.forEach((value, k) => {
            const momentum = i < 4 ? 0.9 : 0.25;
            v[k] = (v[k] as number) * momentum + (value * value * (a + b) + 0.5 * value);
            p[k] = value - 0.01 * (v[k] as number);
          });
        });
        const [sums, factors] = [expected.at(-1), expected.at(-2)] as [Float32Array, Float32Array];
        sums[0] = (sums[0] as number) + (factors[0] as number) * a;
        sums[1] = (sums[1] as number) + (factors[1] as number) * b;
      }
      all.forEach((variable, i) => {
        const values = [...variable.dataSync()];
        values.forEach((value, k) => {
          const wanted = expected[i]?.[k] as number;
          assert.ok(Math.abs(value - wanted) < 1e-5 * (1 + Math.abs(wanted)), `${i}, ${k}: ${value}, not ${wanted}`);
        });
      });
      program.dispose();
    });
  }
}
