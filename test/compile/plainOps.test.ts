import assert from "node:assert/strict";
import { before, test } from "node:test";
import { createRandom, type Random } from "#pefd/common/random.js";
import { compile } from "#pefd/compile/program.js";
import type { EngineName } from "#pefd/compile/types.js";
import { loadTensorFlow, type Scalar, type Tensor, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const ROWS = 7;
const COLUMNS = 13;

type Expression = (x: Tensor, y: Tensor) => Tensor;

const norm = (x: Tensor) => tf.norm(x, 2, 1, true);
const positive = (x: Tensor) => tf.add(tf.abs(x), 0.1);
const centred = (x: Tensor) => tf.sub(x, tf.mean(x, 1, true));
const deviation = (x: Tensor) => tf.sqrt(tf.mean(tf.square(centred(x)), 1, true));

/** What losses are made of, from [rows, columns] to [rows, columns]. TensorFlow rewrites many of them in a graph. */
const PARTS: Readonly<Record<string, Expression>> = {
  "x / |x|": (x) => tf.div(x, norm(x)),
  "x / sqrt(sum x^2 + eps)": (x) => tf.div(x, tf.sqrt(tf.add(tf.sum(tf.square(x), 1, true), 1e-6))),
  "x / sqrt(y)": (x, y) => tf.div(x, tf.sqrt(positive(y))),
  "x / y": (x, y) => tf.div(x, positive(y)),
  "x / 3": (x) => tf.div(x, 3),
  "x rsqrt": (x) => tf.rsqrt(positive(x)),
  "z-score": (x) => tf.div(centred(x), tf.add(deviation(x), 1e-7)),
  cosine: (x, y) => tf.mul(x, tf.div(tf.sum(tf.mul(x, y), 1, true), tf.mul(norm(x), norm(y)))),
  "pow 2": (x) => tf.pow(x, 2),
  "pow 3": (x) => tf.pow(positive(x), 3),
  "pow 0.5": (x) => tf.pow(positive(x), 0.5),
  "pow -0.5": (x) => tf.pow(positive(x), -0.5),
  exp: (x) => tf.exp(tf.minimum(x, 2)),
  "exp - 1": (x) => tf.sub(tf.exp(tf.minimum(x, 2)), 1),
  log: (x) => tf.log(positive(x)),
  "log(x + 1)": (x) => tf.log(tf.add(tf.square(x), 1)),
  softmax: (x) => tf.softmax(x as Scalar),
  "log(softmax)": (x) => tf.log(tf.softmax(x as Scalar)),
  logSoftmax: (x) => tf.logSoftmax(x as Scalar),
  "x - max": (x) => tf.sub(x, tf.max(x, 1, true)),
  maximum: (x, y) => tf.maximum(x, tf.mul(y, 0.1)),
  gather: (x) => tf.gather(x, tf.tensor1d([3, 0, 0, 6, 2, 1, 5], "int32")),
  matMul: (x, y) => tf.matMul(tf.matMul(x, y, false, true), y),
  "a b + a c": (x, y) => tf.add(tf.mul(x, y), tf.mul(x, tf.add(y, 0.5))),
  "a b + c": (x, y) => tf.add(tf.mul(x, y), y),
  "scalar chains": (x, y) => tf.mul(tf.mul(tf.mul(x, 0.3), y), tf.sum(x, 0, true)),
  "sum of three": (x, y) => tf.addN([x, y, tf.square(x)]),
  "squared difference": (x, y) => tf.squaredDifference(x, y),
  "smooth maximum": (x) => tf.softplus(x),
  "swish of a product": (x, y) => tf.mul(tf.mul(x, y), tf.sigmoid(x)),
};

/** An expression's value, and its gradients by both inputs, on one engine. */
function bitsOf(engine: EngineName, expression: Expression): Buffer[] {
  const sample = (seed: number) => tf.randomNormal([ROWS, COLUMNS], 0, 1, "float32", seed);
  const inputs = tf.tidy(() => [5, 6].map((seed) => tf.variable(sample(seed), false)));
  const results = tf.tidy(() => [1, 2, 3].map(() => tf.variable(tf.zeros([ROWS, COLUMNS]), false)));
  const [x, y] = inputs as Tensor[] as [Tensor, Tensor];
  const loss = (a: Tensor, b: Tensor) => tf.mean(tf.square(tf.add(expression(a, b), tf.mul(0.5, tf.add(a, b)))));
  const step = () => {
    const [dx, dy] = tf.grads((...given: Tensor[]) => loss(...(given as [Tensor, Tensor])))([x, y]);
    const values = [expression(x, y), dx as Tensor, dy as Tensor];
    return results.map((result, i) => [result, values[i] as Tensor] as const);
  };
  const program = compile(engine, {
    name: "p",
    precision: "float32",
    entries: { step: { step, perStep: {}, shared: {}, stepsPerCall: 1 } },
    variables: { all: [...inputs, ...results] },
  });
  program.push("all");
  program.run("step", {}, 1);
  program.pull("all");
  const bits = results.map((result) => Buffer.from((result.dataSync() as Float32Array).slice().buffer));
  program.dispose();
  tf.dispose([...inputs, ...results]);
  return bits;
}

function assertSameBits(name: string, expression: Expression): void {
  const graph = bitsOf("graph", expression);
  bitsOf("eager", expression).forEach((bits, i) => {
    const what = ["the value", "the gradient by x", "the gradient by y"][i];
    assert.ok(bits.equals(graph[i] as Buffer), `${name}: ${what} differs`);
  });
}

for (const [name, expression] of Object.entries(PARTS)) {
  test(`${name}: a graph gives the bits of op by op`, () => {
    assertSameBits(name, expression);
  });
}

/** Some of the parts one after the other, each of what came before it. */
function composed(random: Random): { name: string; expression: Expression } {
  const names = Object.keys(PARTS);
  const chosen = Array.from({ length: 2 + random.integer(4) }, () => ({
    part: names[random.integer(names.length)] as string,
    back: random.integer(3),
  }));
  return {
    name: chosen.map(({ part }) => part).join(", then "),
    expression(x, y) {
      const values = [y, x];
      for (const { part, back } of chosen) {
        const other = values.at(-2 - (back % (values.length - 1))) as Tensor;
        values.push((PARTS[part] as Expression)(values.at(-1) as Tensor, other));
      }
      return values.at(-1) as Tensor;
    },
  };
}

test("seeded compositions of them, too", () => {
  const random = createRandom(1, "compositions");
  for (let i = 0; i < 60; i++) {
    const { name, expression } = composed(random);
    assertSameBits(name, expression);
  }
});
