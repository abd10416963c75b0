import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  distill,
  evaluate,
  loadPlugins,
  loadRuns,
  openCheckpoint,
  PefdError,
  type RunEvent,
  synthesize,
  trainTeacher,
} from "#pefd/library/index.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { methodText, written } from "../plugin/files.js";

test("a plug-in, a teacher, a student and an evaluation, as the command line has them", async (t) => {
  const folder = temporaryFolder(t);
  await loadPlugins(written(folder, "mine.mjs", methodText("mine")));
  const data = join(folder, "data");
  await synthesize("cifar100", data, { train: 40, test: 20, classes: 10, seed: 0 });
  const options = {
    data,
    batch_size: 10,
    save_dir: join(folder, "save"),
    engine: "graph",
    // Where nobody has said, some processors give a notice first.
    precision: "float32",
  } as const;
  const events: RunEvent[] = [];
  const teacher = trainTeacher({ ...options, model: "resnet8", epochs: 2 });
  for await (const event of teacher) events.push(event);
  const { runDir } = await teacher.result;

  const kinds = events.map(({ kind }) => kind);
  assert.equal(kinds[0], "started");
  assert.equal(kinds.filter((kind) => kind === "epoch").length, 2);
  assert.ok(kinds.includes("step"));

  const student = await distill({
    ...options,
    model_t: "resnet8",
    model_s: "resnet8",
    distill: "mine",
    epochs: 1,
  }).result;
  const { runs, problems } = await loadRuns(options.save_dir);
  assert.deepEqual([runs.map(({ method }) => method).sort(), problems], [["mine", undefined], []]);

  await t.test("the same bytes as the command line's", async () => {
    const words = ["train-teacher", "--model", "resnet8", "--epochs", "2", "--batch_size", "10"];
    const place = ["--data", data, "--save_dir", join(folder, "typed"), "--engine", "graph"];
    const { stdout } = await pefd([...words, ...place, "--json", "--quiet"]);
    const { weightsSha256 } = await teacher.result;
    assert.equal(JSON.parse(stdout).weightsSha256, weightsSha256);
  });

  await t.test("a checkpoint tells what it is, and is evaluated", async () => {
    const checkpoint = join(student.runDir, "resnet8_last.safetensors");
    const opened = await openCheckpoint(checkpoint);
    assert.deepEqual([opened.model, opened.dataset], ["resnet8", "cifar100"]);
    assert.throws(() => opened.values("fc.wait"), /no tensor fc\.wait. Did you mean fc\.weight/);
    const { top1, n } = await evaluate({ checkpoint, data });
    assert.deepEqual([top1, n], [student.test.top1, 20]);
    const stop = new AbortController();
    const reason = new Error("enough");
    const stopped = evaluate({ checkpoint, data }, { signal: stop.signal });
    await assert.rejects(async () => {
      for await (const event of stopped) if (event.kind === "evaluating") stop.abort(reason);
    }, reason);
  });

  await t.test("a signal ends a run, which goes on later", async () => {
    const stop = new AbortController();
    const run = trainTeacher({ ...options, model: "resnet14", epochs: 3 }, { signal: stop.signal });
    const reason = new Error("enough");
    await assert.rejects(async () => {
      for await (const event of run) if (event.kind === "epoch") stop.abort(reason);
    }, reason);
    await assert.rejects(run.result, reason);
    const { epochs } = await trainTeacher({
      ...options,
      model: "resnet14",
      epochs: 3,
      resume: true,
    }).result;
    assert.equal(epochs, 3);
  });

  await t.test("what is wrong is told as a PefdError, and nothing is begun", async () => {
    const before = readdirSync(join(folder, "save/models"));
    for (const [wrong, said] of [
      [{ epoch: 3 }, /Unknown option epoch. Did you mean epochs/],
      [{ epochs: 0 }, /epochs takes an integer/],
      [{ config: "nothing" }, /Unknown preset: nothing/],
    ] as const) {
      await assert.rejects(
        async () => await trainTeacher({ ...options, ...wrong }),
        (error) => {
          assert.ok(error instanceof PefdError && error.exitCode === 2);
          assert.match(error.message, said);
          return true;
        },
      );
    }
    await assert.rejects(openCheckpoint(join(folder, "nowhere.pth")), PefdError);
    await assert.rejects(loadRuns(join(folder, "nowhere")), PefdError);
    await assert.rejects(distill({ ...options, model_t: "vgg8" }).result, /No teacher vgg8/);
    assert.deepEqual(readdirSync(join(folder, "save/models")), before);
  });

  await t.test("plug-ins that come too late are refused", async () => {
    const late = written(folder, "late.mjs", methodText("late"));
    await assert.rejects(loadPlugins(late), { name: "PefdError", message: /before anything else/ });
  });
  assert.ok(runDir.startsWith(options.save_dir));
});
