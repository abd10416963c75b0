import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Pair } from "#pefd/distill/method.js";
import { toSmaller } from "#pefd/distill/parts/maps.js";
import { METHODS } from "#pefd/distill/registry.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, silentHooks, smallData } from "../../train/runs.js";
import { fakePair, fakeStepContext, opened, termsOf } from "../fakes.js";

before(() => {
  loadTensorFlow();
});

/** The pair of the other tests with other maps of the teacher, [H, W, C] each. */
function pairWith(...maps: number[][]): Pair {
  const pair = fakePair();
  return { ...pair, teacher: { ...pair.teacher, maps } };
}

const refused = (message: RegExp) => ({ name: "PefdError", exitCode: 2, message });

test("hint says which map a pair lacks, and which sizes no convolution joins", () => {
  const hint = METHODS.row("hint");
  const short = pairWith([8, 8, 4]);
  assert.throws(() => opened(hint, {}, short), refused(/student has 3 of stages, and the teacher 1/));
  const wide = pairWith([8, 8, 4], [7, 7, 4], [2, 2, 8]);
  assert.throws(() => opened(hint, {}, wide), refused(/4x4 to the teacher's of 7x7/));
  const oblong = pairWith([8, 8, 4], [2, 1, 4], [2, 2, 8]);
  assert.throws(() => opened(hint, {}, oblong), refused(/4x4 to the teacher's of 2x1/));
});

const SHORT = [
  [8, 8, 4],
  [4, 4, 4],
];

for (const name of ["attention", "nst", "vid"]) {
  test(`${name} leaves out the last maps of the longer list, whichever it is, and says so`, () => {
    const teacherShort = pairWith(...SHORT);
    const studentShort = {
      ...teacherShort,
      student: teacherShort.teacher,
      teacher: fakePair().student,
    };
    for (const [pair, counts] of [
      [teacherShort, /has 3 maps and the teacher 2: the first 2 of each/],
      [studentShort, /has 2 maps and the teacher 3: the first 2 of each/],
    ] as const) {
      const method = opened(METHODS.row(name), {}, pair);
      assert.match(method.notices?.join() ?? "", counts);
      tf.tidy(() => {
        const [value] = Object.values(termsOf(method, fakeStepContext(method, method.sees, pair)));
        assert.ok(Number.isFinite(value));
      });
    }
    assert.equal(opened(METHODS.row(name)).notices, undefined);
  });
}

test("ofd leaves out the first maps of a student with more, and refuses one with fewer", () => {
  const ofd = METHODS.row("ofd");
  const teacher = { ...pairWith(...SHORT).teacher, norms: ["norm0", "norm1"] };
  const method = opened(ofd, {}, { ...fakePair(), teacher });
  assert.match(method.notices?.join() ?? "", /has 3 maps and the teacher 2: the last 2 of each/);
  const inputs = method.state.find(({ name }) => name === "connectors.connectors.0.0.weight")?.shape;
  assert.deepEqual(inputs?.slice(0, 2), [4, fakePair().student.maps[1]?.[2]]);
  assert.throws(() => opened(ofd, {}, { ...fakePair(), student: teacher }), refused(/has 2 and the teacher 3/));
});

test("a run whose maps are unequally many trains, with a notice at its start", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const controller = new AbortController();
  const notices: string[] = [];
  const stepDone = () => controller.abort(new Error("stopped"));
  const hooks = silentHooks({ notice: (text) => notices.push(text), stepDone }, controller.signal);
  const options = distillOptions(folder, { distill: "nst", model_s: "MobileNetV2", tb_freq: 1 });
  await assert.rejects(runDistill({ ...options, beta: 50 }, hooks), { message: "stopped" });
  const said = notices.filter((text) => /has 4 maps and the teacher 3/.test(text));
  assert.equal(said.length, 1, notices.join("\n"));
});

test("the larger of two maps is pooled to the smaller one's size, whichever it is", () => {
  tf.tidy(() => {
    const [small, large] = [tf.ones([2, 4, 4, 3]), tf.ones([2, 8, 8, 5])] as [Tensor4D, Tensor4D];
    const shapes = (pair: Tensor4D[]) => pair.map(({ shape }) => shape);
    assert.deepEqual(shapes(toSmaller(small, large)), [
      [2, 4, 4, 3],
      [2, 4, 4, 5],
    ]);
    assert.deepEqual(shapes(toSmaller(large, small)), [
      [2, 4, 4, 5],
      [2, 4, 4, 3],
    ]);
  });
});
