import assert from "node:assert/strict";
import { before, test } from "node:test";
import { methodNames } from "#pefd/distill/registry.js";
import { withBinding } from "#pefd/runtime/native.js";
import { loadTensorFlow, type Tensor, tf } from "#pefd/runtime/tf.js";
import { residentSource, streamedSource } from "#pefd/train/source.js";
import { spreadOf, tellRest } from "../../helpers/matrices.js";
import { programOf, variable } from "../programs.js";
import {
  dismiss,
  noiseImages,
  openTraining,
  type Pupil,
  smallestOfFamilies,
  studentPupil,
  teacherPupil,
} from "../scenes.js";

before(() => {
  loadTensorFlow();
});

/** What the library is asked to do until a graph is loaded: the time of recording. */
function whileRecording(record: () => void): string[] {
  const calls: string[] = [];
  let recording = true;
  const note = (call: string) => {
    if (recording) calls.push(call);
  };
  withBinding(
    (binding) => ({
      executeOp(op, ...rest) {
        note(op);
        return binding.executeOp(op, ...rest);
      },
      createTensor(shape, ...rest) {
        note(`a tensor [${shape}]`);
        return binding.createTensor(shape, ...rest);
      },
      loadSavedModel(...given) {
        recording = false;
        return binding.loadSavedModel(...given);
      },
    }),
    record,
  );
  return calls;
}

const methods = spreadOf(methodNames(), 6);

const pupils: readonly (readonly [string, () => Pupil])[] = [
  ...methods.cases.map((name) => [name, () => studentPupil(name)] as const),
  ...smallestOfFamilies().map((name) => [name, () => teacherPupil(name)] as const),
];

for (const [name, make] of pupils) {
  test(`${name}: its steps are recorded without a tensor on the device`, () => {
    const pupil = make();
    const setup = { engine: "graph", train: noiseImages(6, 1), batchSize: 4 } as const;
    const calls = [residentSource, streamedSource].flatMap((source) =>
      whileRecording(() => openTraining(pupil, { ...setup, source }).dispose()),
    );
    dismiss(pupil);
    assert.deepEqual([...new Set(calls)], []);
  });
}

tellRest(methods.rest);

test("an op of which nobody knows the shape runs, on zeros that are gone when the step is recorded", (t) => {
  const total = variable(t, [0, 1]);
  const memory = tf.memory().numTensors;
  const calls = whileRecording(() => {
    const program = programOf("graph", [total], ({ x }) => [[total, tf.add(tf.ceil(tf.square(x as Tensor)), 1)]]);
    t.after(() => program.dispose());
    program.push("all");
    program.run("step", { x: Float32Array.of(0, 10) }, 1);
    program.pull("all");
  });
  assert.deepEqual([...total.dataSync()], [1, 101]);
  assert.deepEqual(calls, ["a tensor [2]", "Ceil"]);
  assert.equal(tf.memory().numTensors, memory);
});
