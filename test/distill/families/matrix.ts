import assert from "node:assert/strict";
import { before, test } from "node:test";
import { procedures } from "#pefd/distill/registry.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { dismiss } from "../../compile/scenes.js";
import { allCases, manyCases } from "../../helpers/matrices.js";
import { type Case, caseFor, goOnFrom, openCourse, pupilOf, standing } from "./course.js";
import { STUDENTS } from "./students.js";

type State = ReturnType<typeof standing>;

function assertSame(found: State, expected: State): void {
  assert.equal(found.length, expected.length);
  for (const [i, { name, values }] of expected.entries()) {
    const own = found[i]?.values as Float32Array;
    assert.ok(Buffer.from(values.buffer).equals(Buffer.from(own.buffer)), name);
  }
}

/** What a new pupil comes to in an epoch with the eager engine. @param from where it goes on */
function eagerEpoch(one: Case, epoch: number, from?: State) {
  const pupil = pupilOf(one);
  if (from !== undefined) goOnFrom(pupil, from);
  const course = openCourse(pupil, "eager");
  const sums = course.epoch(epoch);
  course.end();
  const state = standing(pupil);
  dismiss(pupil);
  return { sums, state };
}

/**
 * Two epochs of two steps. A graph trains them without a break. What it has come to after the first and in the end is, bit
 * for bit, what the eager engine makes of a new pupil, and of another new one that goes on from what would be kept after the
 * first epoch. Every loss and term is a number, and no tensor is left.
 */
function assertTrains(one: Case): void {
  const tensors = tf.memory().numTensors;
  const pupil = pupilOf(one);
  const course = openCourse(pupil, "graph");
  const first = course.epoch(1);
  course.pull();
  const kept = standing(pupil);
  const second = course.epoch(2);
  course.end();
  const trained = standing(pupil);
  dismiss(pupil);

  const begun = eagerEpoch(one, 1);
  const resumed = eagerEpoch(one, 2, kept);

  assert.ok([...first, ...second].every(Number.isFinite), `sums ${first} and ${second}`);
  assert.deepEqual([begun.sums, resumed.sums], [first, second]);
  assertSame(begun.state, kept);
  assertSame(resumed.state, trained);
  assert.equal(tf.memory().numTensors, tensors, "a tensor is left");
}

/** How many rounds of students one round of the small sample stands for. */
const SAMPLE = 3;

/** Cases of a method, the one whose turn it is first: each method begins with another student. */
function casesOf(name: string, method: number): readonly Case[] {
  const at = method % STUDENTS.length;
  const turned = [...STUDENTS.slice(at), ...STUDENTS.slice(0, at)];
  return turned.flatMap((student) => caseFor(name, student) ?? []);
}

/**
 * Whether a method's case is run: with PEFD_MATRICES=all every one; with PEFD_MATRICES=many the first of each method; else
 * the first of a third of the methods.
 */
const isRun = (method: number, place: number): boolean =>
  allCases || (place === 0 && (manyCases || Math.floor(method / STUDENTS.length) % SAMPLE === 0));

/** Tests of every method with some of the students, or of those that stand for all. */
export function testFamilies(students: readonly string[]): void {
  before(() => {
    loadTensorFlow();
  });
  const cases = procedures()
    .flatMap(({ name }, method) => casesOf(name, method).map((one, place) => ({ one, runs: isRun(method, place) })))
    .filter(({ one }) => students.includes(one.student));
  for (const { one } of cases.filter(({ runs }) => runs)) {
    const { published, teacher, student } = one;
    test(`${published}: ${teacher} -> ${student}: graph is eager and resumed is uninterrupted, bit for bit`, () => {
      assertTrains(one);
    });
  }
  const left = cases.filter(({ runs }) => !runs).length;
  const why = "PEFD_MATRICES=many runs every method once, PEFD_MATRICES=all with every student";
  test(`${left} more`, { skip: left > 0 ? why : false }, () => {});
}
