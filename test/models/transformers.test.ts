import assert from "node:assert/strict";
import { before, test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { float32Tensor, type StateDict } from "#pefd/common/stateDict.js";
import { computedOn, variablesOf } from "#pefd/learn/learner.js";
import { studentLearner } from "#pefd/learn/learners.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { resizedPositions } from "#pefd/nn/positions.js";
import { loadTensorFlow, type Tensor1D, type Tensor4D, tf, type Variable } from "#pefd/runtime/tf.js";
import { loadState, stateDictOf } from "#pefd/train/files/stateFiles.js";

before(() => loadTensorFlow());

const CLASSES = 10;

/** Sums of the absolute gradients of both heads of a distilled student, with weights of labels and teacher. */
function headGradients(gamma: number, alpha: number): readonly number[] {
  const teacher = buildModel("resnet8", CLASSES, initialFill("resnet8", 1, "teacher"));
  const setting = { model_s: "deit_tiny_distilled", distill: "kd", gamma, alpha, beta: 0 };
  const learner = studentLearner(teacher, setting, CLASSES, 2);
  const sums = tf.tidy(() => {
    const images = tf.randomNormal([2, 32, 32, 3], 0, 1, "float32", 3) as Tensor4D;
    const { gradients } = computedOn(learner, { images, labels: tf.tensor1d([1, 4], "int32") as Tensor1D });
    const names = new Map(learner.model.state.map(({ name, variable }) => [variable, name]));
    return ["head.weight", "head_dist.weight"].map((name) => {
      const at = learner.parameters.findIndex((parameter: Variable) => names.get(parameter) === name);
      const gradient = gradients[0]?.[at];
      return gradient === undefined ? 0 : tf.sum(tf.abs(gradient)).dataSync()[0];
    });
  });
  tf.disposeVariables();
  return sums as number[];
}

test("labels teach the class token's head, the teacher the distillation token's", () => {
  const [labelled = 0, untaught] = headGradients(1, 0);
  assert.ok(labelled > 0.01);
  assert.equal(untaught, 0);
  const [unlabelled, taught = 0] = headGradients(0, 1);
  assert.equal(unlabelled, 0);
  assert.ok(taught > 1e-5);
});

test("a checkpoint of images of 32 pixels opens for 64 with its position embeddings resized, of another width it does not", () => {
  const model = buildModel("deit_tiny_distilled", CLASSES, initialFill("deit_tiny_distilled", 1, "student"));
  const file: StateDict = stateDictOf(model.state, 0);
  const larger = buildModel("deit_tiny_distilled", CLASSES, "zeros", 64);
  const origin = { path: "student.safetensors", modelName: model.name };
  loadState(larger.state, file, origin);
  const positions = (of: typeof model): Float32Array => {
    const variable = of.state.find(({ name }) => name === "pos_embed")?.variable as Variable;
    return variable.dataSync() as Float32Array;
  };
  const [from, loaded] = [positions(model), positions(larger)];
  assert.deepEqual(loaded, resizedPositions(from, [1, 66, 192], [1, 258, 192]));
  assert.deepEqual(loaded.slice(0, 384), from.slice(0, 384), "tokens stay");

  const wrong = new Map(file).set("pos_embed", float32Tensor(new Float32Array(65 * 192), [1, 65, 192]));
  assert.throws(() => loadState(larger.state, wrong, origin), /pos_embed is \[1, 65, 192\] instead of \[1, 258, 192\]/);
  tf.dispose([...variablesOf(model.state), ...variablesOf(larger.state)]);
});

test("images that patches do not fit are refused", () => {
  const build = () => buildModel("vit_tiny", CLASSES, "zeros", 50);
  assert.throws(
    build,
    (error) => error instanceof PefdError && /50x50 cannot be cut into patches of 4x4/.test(error.message),
  );
});
