import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { isTeacherEvaluated, runDistill } from "#pefd/train/distill.js";
import { runEvaluations } from "#pefd/train/evaluate.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, silentHooks } from "../runs.js";

test("the teacher's accuracy is told where it costs next to nothing, or as asked", () => {
  const short = { epochs: 1, train: 100, test: 10 };
  const long = { ...short, epochs: 2 };
  assert.deepEqual([isTeacherEvaluated("auto", short), isTeacherEvaluated("auto", long)], [false, true]);
  assert.deepEqual([isTeacherEvaluated("always", short), isTeacherEvaluated("never", long)], [true, false]);
});

test("the teacher is evaluated before the first epoch, and the student's bytes stay the same", async (t) => {
  const folder = temporaryFolder(t);
  await CIFAR100.synthesize(join(folder, "data"), { train: 32, test: 20, seed: 1 });
  const path = await randomTeacher(folder);
  const distil = async (teacher_eval: "always" | "never", save: string) => {
    const said: string[] = [];
    const hooks = silentHooks({
      notice: (text) => void said.push(text),
      epochDone: ({ epoch }) => void said.push(`epoch ${epoch}`),
    });
    const options = distillOptions(folder, { teacher_eval, save_dir: join(folder, save) });
    return { said, ...(await runDistill(options, hooks)) };
  };
  const told = await distil("always", "told");
  const untold = await distil("never", "untold");
  const [result] = await runEvaluations(
    [
      {
        ...distillOptions(folder),
        checkpoint: path,
        model: "resnet8",
        dataset: "cifar100",
        precision: "float32",
      },
    ],
    { env: {}, onProgress: () => {} },
  );
  const { top1, top5 } = result?.result ?? assert.fail();
  const sentence = `Teacher: top-1 ${top1.toFixed(2)} %, top-5 ${top5.toFixed(2)} %, loss `;
  assert.ok(told.said[0]?.startsWith(sentence), told.said.join("\n"));
  assert.match(told.said[0] ?? "", / on 20 test images\.$/);
  assert.equal(told.said[1], "epoch 1");
  assert.equal(untold.said[0], "epoch 1");
  assert.equal(told.weightsSha256, untold.weightsSha256);
  assert.deepEqual([told.teacherTop1, "teacherTop1" in untold], [top1, false]);
  const goesOn = { ...distillOptions(folder, { save_dir: join(folder, "told") }), epochs: told.epochs + 1 };
  const longer = await runDistill({ ...goesOn, resume: true }, silentHooks());
  assert.equal(longer.teacherTop1, top1);
});

test("a signal while the teacher is evaluated ends the run, which goes on later to the same bytes", async (t) => {
  const folder = temporaryFolder(t);
  await CIFAR100.synthesize(join(folder, "data"), { train: 32, test: 20, seed: 1 });
  await randomTeacher(folder);
  const options = distillOptions(folder, { teacher_eval: "always" });
  const stop = new AbortController();
  const reason = new Error("enough");
  const said: string[] = [];
  const hooks = silentHooks({
    notice: (text) => void said.push(text),
    evaluating: () => stop.abort(reason),
  });
  await assert.rejects(runDistill(options, { ...hooks, signal: stop.signal }), reason);
  assert.match(said.join("\n"), /^Kept in .*: 0 epochs and 0 steps of the next\.$/);
  const later = await runDistill({ ...options, resume: true }, silentHooks());
  const alone = { ...options, save_dir: join(folder, "alone") };
  assert.equal(later.weightsSha256, (await runDistill(alone, silentHooks())).weightsSha256);
});
