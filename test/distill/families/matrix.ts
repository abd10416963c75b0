import assert from "node:assert/strict";
import { before, test } from "node:test";
import { procedures } from "#pefd/distill/registry.js";
import { MODELS } from "#pefd/models/registry.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { dismiss } from "../../compile/scenes.js";
import { type Case, caseFor, goOnFrom, pupilOf, standing, trainEpochs } from "./course.js";

/** The first model of each family and paper that is made for images of 32 x 32. */
export const STUDENTS: readonly string[] = MODELS.rows()
  .filter(({ imageSize }) => imageSize === undefined)
  .filter(
    ({ family, paper }, i, all) =>
      all.findIndex((row) => row.family === family && row.paper === paper) === i,
  )
  .map(({ name }) => name);

/**
 * Four steps: what a graph has come to after the first two, which another process would go on from, and the last two from
 * there are, bit for bit, what the eager engine makes of all four; every loss is a number, and no tensor is left.
 */
function assertTrains(one: Case): void {
  const tensors = tf.memory().numTensors;
  const eager = pupilOf(one);
  const losses = trainEpochs(eager, "eager", [1, 2]);
  const expected = standing(eager);
  dismiss(eager);

  const stopped = pupilOf(one);
  const first = trainEpochs(stopped, "graph", [1]);
  const kept = standing(stopped);
  dismiss(stopped);
  const resumed = pupilOf(one);
  goOnFrom(resumed, kept);
  const rest = trainEpochs(resumed, "graph", [2]);
  const found = standing(resumed);
  dismiss(resumed);

  assert.ok(losses.length === 4 && losses.every(Number.isFinite), `losses ${losses}`);
  assert.deepEqual([...first, ...rest], losses);
  for (const [i, { name, values }] of expected.entries()) {
    assert.ok(Buffer.from(values.buffer).equals(Buffer.from(bufferOf(found[i]))), name);
  }
  assert.equal(tf.memory().numTensors, tensors, "a tensor is left");
}

const bufferOf = (entry: { values: Float32Array } | undefined): ArrayBuffer =>
  (entry?.values ?? new Float32Array(0)).buffer as ArrayBuffer;

/** PEFD_FAMILIES: "all" for every method with every student, "few" for one student a method. */
const ASKED = process.env.PEFD_FAMILIES;

/** Tests of every method with some of the students; none where PEFD_FAMILIES is not set, since they take long. */
export function testFamilies(students: readonly string[]): void {
  before(() => {
    loadTensorFlow();
  });
  const left: string[] = [];
  for (const student of students) {
    for (const [i, { name }] of procedures().entries()) {
      const isOfFew = STUDENTS[i % STUDENTS.length] === student;
      if (ASKED === undefined || (ASKED !== "all" && !isOfFew)) {
        left.push(name);
        continue;
      }
      const one = caseFor(name, student);
      test(`${name}: ${one.teacher} -> ${student}: graph is eager and resumed is uninterrupted, bit for bit`, () => {
        assertTrains(one);
      });
    }
  }
  test(`${left.length} more`, {
    skip: left.length > 0 ? "PEFD_FAMILIES=all runs them, PEFD_FAMILIES=few some of them" : false,
  }, () => {});
}
