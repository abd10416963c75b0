import assert from "node:assert/strict";
import { before, test } from "node:test";
import { allOps, opNamed, ownOp, standardOp } from "#pefd/ops/ops.js";
import { fusedConvolution, fusedInputGradient } from "#pefd/ops/own.js";
import { parseSignature, positionsOf, type ReadAttribute, type Signature } from "#pefd/ops/signature.js";
import { DT, type NativeBinding, withBinding } from "#pefd/runtime/native.js";
import { loadTensorFlow, type Tensor, tf } from "#pefd/runtime/tf.js";
import { dismiss, noiseImages, openTraining, studentPupil, teacherPupil } from "../compile/scenes.js";

before(() => {
  loadTensorFlow();
});

/** What TensorFlow gave back for calls of ops, against their rows of the table. */
interface Comparison {
  /** Ops whose shapes a rule told. */
  readonly ops: Set<string>;
  /** Those whose rule was asked, with all inputs known. */
  readonly asked: Set<string>;
  readonly differences: string[];
}

/** A binding that runs every op and compares what comes back with the op's row. */
function comparing({ ops, asked, differences }: Comparison) {
  const known = new Map<number, { shape: readonly number[]; values?: readonly number[] }>();
  return (binding: NativeBinding): Partial<NativeBinding> => ({
    createTensor(shape, dtype, values) {
      const id = binding.createTensor(shape, dtype, values);
      const whole = values instanceof Int32Array ? { values: [...values] } : {};
      known.set(id, { shape: [...shape], ...whole });
      return id;
    },
    executeOp(name, attributes, ids, count) {
      const outputs = binding.executeOp(name, attributes, ids, count);
      for (const { id, shape } of outputs) known.set(id, { shape });
      const op = opNamed(name);
      if (op === undefined) {
        differences.push(`${name} is not in the table`);
        return outputs;
      }
      const attribute: ReadAttribute = (key) => attributes.find((one) => one.name === key)?.value;
      const expect = (what: string, actual: unknown, expected: unknown) => {
        if (String(actual) === String(expected)) return;
        differences.push(`${name}: ${what} is ${actual} by the table, ${expected} by TensorFlow`);
      };
      expect("inputs", positionsOf(op.signature.inputs, attribute)?.length, ids.length);
      const types = positionsOf(op.signature.outputs, attribute)?.map(({ type }) => type);
      expect("the number of outputs", types?.length, outputs.length);
      outputs.forEach(({ dtype }, i) => {
        if (types?.[i] !== undefined) expect(`the type of output ${i}`, types[i], dtype);
      });
      const inputs = ids.map((id) => known.get(id));
      if (inputs.includes(undefined) || op.shapes === undefined) return outputs;
      asked.add(name);
      const shapes = op.shapes({
        shapes: inputs.map((input) => input?.shape as readonly number[]),
        constant: (index) => inputs[index]?.values,
        attribute,
      });
      if (shapes === undefined) return outputs;
      ops.add(name);
      // What only a gradient reads has shapes of its own on each device.
      const seen = name.startsWith("FusedBatchNorm") ? 3 : outputs.length;
      outputs.slice(0, seen).forEach(({ shape }, i) => {
        expect(`output ${i} of [${inputs.map((input) => input?.shape).join("] [")}]`, shapes[i], shape);
      });
      return outputs;
    },
  });
}

/** Ops on tensors of many shapes, with their gradients. */
function tensors(): void {
  const x = tf.randomNormal([3, 5], 0, 1, "float32", 1);
  const y = tf.randomNormal([3, 1], 0, 1, "float32", 2);
  const z = tf.randomNormal([2, 3, 4], 0, 1, "float32", 3);
  const images = tf.randomNormal([2, 7, 9, 3], 0, 1, "float32", 4) as never;
  const positive = tf.greater(x, y);
  const filter = tf.randomNormal([3, 3, 3, 4], 0, 1, "float32", 5) as never;
  const losses: ((of: Tensor) => Tensor)[] = [
    (of) => tf.sum(tf.div(of, tf.norm(of, 2, 1, true))),
    (of) => tf.mean(tf.mul(of, y), [-1], true),
    (of) => tf.concat([of, tf.relu(of), tf.mul(of, y)], 1),
    (of) => tf.concat(tf.split(of, [2, 3], 1).reverse(), -1),
    (of) => tf.split(tf.reshape(of, [5, 3]), 3, 1)[1] as Tensor,
    (of) => tf.slice(of, [1, 2], [-1, 2]),
    (of) => tf.tile(of, [2, 3]),
    (of) => tf.transpose(of, [1, 0]),
    (of) => tf.gather(of, tf.tensor1d([2, 0], "int32"), 1),
    (of) =>
      tf.pad(
        of as never,
        [
          [1, 0],
          [0, 2],
        ],
        0.5,
      ),
    (of) => tf.matMul(of as never, of as never, false, true),
    (of) => tf.maximum(of, y),
    (of) => tf.softmax(of as never),
    (of) => tf.logSoftmax(of as never),
    (of) => tf.where(positive, of, tf.zerosLike(of)),
    (of) => tf.addN([of, of, tf.square(of)]),
    (of) => tf.pow(tf.abs(of), 1.5),
  ];
  for (const loss of losses) tf.grad((of) => tf.sum(loss(of)))(x);
  tf.matMul(z as never, tf.transpose(z, [0, 2, 1]) as never);
  tf.broadcastTo(y, [3, 4]);
  tf.fill([2, 2], 1);
  tf.argMax(x, 1);
  tf.topk(x, 2);
  for (const padding of ["valid", "same"] as const) {
    for (const stride of [1, 2]) {
      const pooled = (of: Tensor) => tf.sum(tf.maxPool(of as never, 3, stride, padding));
      tf.grad(pooled)(images);
      tf.avgPool(images, 2, stride, padding);
      tf.conv2d(images, filter, stride, padding);
    }
    tf.conv2d(images, filter, 1, padding, "NHWC", 2);
    tf.depthwiseConv2d(images, filter, 1, padding);
  }
}

/** A step of training and an evaluation, op by op. */
function training(): void {
  const train = noiseImages(4, 1);
  for (const pupil of [studentPupil("ours"), teacherPupil("MobileNetV2"), teacherPupil("vgg8")]) {
    const session = openTraining(pupil, { engine: "eager", train, batchSize: 4 });
    session.train(new Int32Array(4 * 4), { learningRate: 0.1, epoch: 1, step: 1 });
    session.dispose();
    dismiss(pupil);
  }
}

test("types, numbers and shapes of outputs are those that TensorFlow gives back", () => {
  const comparison: Comparison = { ops: new Set(), asked: new Set(), differences: [] };
  withBinding(comparing(comparison), () => {
    tf.tidy(tensors);
    training();
  });
  assert.deepEqual(comparison.differences, []);
  assert.ok(comparison.ops.size > 40, [...comparison.ops].join());
  const silent = [...comparison.asked].filter((name) => !comparison.ops.has(name));
  assert.deepEqual(silent, [], "a rule that never tells anything");
});

test("signatures are read as TensorFlow's registry writes them", () => {
  const { inputs, outputs } = parseSignature("values: N * T, axis: int32 -> output: T, n: Tn");
  assert.deepEqual(inputs, [
    { name: "values", type: "T", count: "N" },
    { name: "axis", type: DT.int32 },
  ]);
  const read: ReadAttribute = (name) => ({ N: 2, T: DT.float })[name];
  assert.deepEqual(positionsOf(inputs, read), [
    { argument: "values", index: 0, type: DT.float },
    { argument: "values", index: 1, type: DT.float },
    { argument: "axis", index: 0, type: DT.int32 },
  ]);
  assert.deepEqual(positionsOf(outputs, read)?.[1], { argument: "n", index: 0, type: undefined });
  assert.equal(
    positionsOf(inputs, () => undefined),
    undefined,
  );
  assert.deepEqual(parseSignature("-> output: dtype").inputs, []);
});

/** A signature where everything is in float32: filters of ours always are. */
const inFloat = ({ inputs, outputs }: Signature) =>
  [inputs, outputs].map((given) =>
    given.map(({ name, type }) => [name, type === "T" || type === "Tinput" ? DT.float : type]),
  );

test("our ops that stand for TensorFlow's take the same arguments in float32", () => {
  const standing = allOps().filter(({ standard }) => standard !== undefined);
  assert.ok(standing.length > 0);
  for (const { name, standard = "", signature } of standing) {
    const theirs = opNamed(standard)?.signature as Signature;
    assert.deepEqual(inFloat(signature), inFloat(theirs));
    assert.deepEqual([ownOp(standard), standardOp(name)], [name, standard]);
  }
  assert.equal(standardOp("Relu"), "Relu");
  assert.throws(() => ownOp("Relu"), /no op of ours for Relu/);
});

test("every op that convolutions are joined into has a row, with an input for each thing that follows", () => {
  const inputs = (name: string) => opNamed(name)?.signature.inputs.length;
  for (const sum of [false, true]) {
    for (const relu of [false, true]) {
      assert.equal(inputs(fusedConvolution({ sum, relu })), sum ? 4 : 3);
      assert.equal(inputs(fusedInputGradient({ sum, relu })), 3 + Number(sum) + Number(relu));
    }
  }
});
