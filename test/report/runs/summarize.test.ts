import assert from "node:assert/strict";
import { cpSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, test } from "node:test";
import { publishedOf } from "#pefd/cli/published.js";
import { figuresOf } from "#pefd/config/published/lookup.js";
import { EPOCH_LOG } from "#pefd/report/log/epochLog.js";
import { reportDocument } from "#pefd/report/reportDocument.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { experimentLabels } from "#pefd/report/runs/labels.js";
import { spread } from "#pefd/report/runs/statistics.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { summaryCsvTable, summaryNotes, summaryTable, unfinishedNotes } from "#pefd/report/summaryTable.js";
import { renderCsv, renderText } from "#pefd/report/table.js";
import { RESULT_FILE, sealedText } from "#pefd/runFiles/stateFile.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { writeRun } from "../fakeRuns.js";

/** A finished run's result.json, as far as reports need it. */
function writeResult(dir: string, weightsSha256: string, more = {}): void {
  const metrics = { loss: 1, top1: 50, top5: 80 };
  const result = {
    runDir: dir,
    epochs: 3,
    train: metrics,
    test: metrics,
    best: { top1: 50, epoch: 3 },
    seconds: 1,
    stepMs: 1,
    engine: "graph",
    precision: "float32",
    device: "CPU",
    weightsSha256,
    ...more,
  };
  writeFileSync(join(dir, RESULT_FILE), sealedText(result));
}

/** Gives a run's log a time of its own, in seconds since 1970. */
const touch = (dir: string, seconds: number) => utimesSync(join(dir, EPOCH_LOG), seconds, seconds);

it("the deviation is the sample's, and unknown for a single run", () => {
  assert.deepEqual(spread([76, 77, 78]), { mean: 77, std: 1 });
  assert.deepEqual(spread([76]), { mean: 76, std: undefined });
  assert.equal(spread([]), undefined);
  assert.deepEqual(spread([0.1, 0.2, 0.3]), spread([0.3, 0.2, 0.1]));
});

describe("collecting runs", () => {
  it("finds them below the folders, once each, in natural order, unfinished ones too", async (t) => {
    const dir = temporaryFolder(t);
    for (const trial of [10, 2, 1]) {
      await writeRun(join(dir, "save/student_model"), `run_${trial}`, { trial, epochs: 3 });
    }
    await writeRun(join(dir, "save/models"), "teacher", {
      config: { kind: "teacher", model: "resnet32x4" },
      epochs: 5,
      done: 2,
    });
    symlinkSync(join(dir, "save"), join(dir, "link"));
    const { runs, problems } = collectRuns([dir, join(dir, "save"), join(dir, "link/models")]);
    assert.deepEqual(
      runs.map((run) => [run.kind, run.trial, run.finished, run.rows.length]),
      [
        ["teacher", 1, false, 2],
        ["distill", 1, true, 3],
        ["distill", 2, true, 3],
        ["distill", 10, true, 3],
      ],
    );
    assert.deepEqual(problems, []);
    assert.deepEqual(unfinishedNotes(runs), [`${runs[0]?.dir}: unfinished, epoch 2 of 5`]);
  });

  it("passes over what is no run, and tells what looks like one and is damaged", async (t) => {
    const dir = temporaryFolder(t);
    await writeRun(dir, "good", { epochs: 2 });
    for (const name of ["other", "broken", ".hidden", "node_modules"]) mkdirSync(join(dir, name));
    writeFileSync(join(dir, "other/config.json"), '{"compilerOptions": {}}');
    writeFileSync(join(dir, "broken/config.json"), '{"kind": "dist');
    assert.deepEqual(collectRuns([dir]).problems, []);
    writeFileSync(join(dir, "broken/epochs.csv"), "epoch\n");
    const { runs, problems } = collectRuns([dir]);
    assert.equal(runs.length, 1);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? "", /broken\/config\.json is corrupt/);
  });

  it("refuses a folder that does not exist", () => {
    assert.throws(() => collectRuns(["no/such"]), { exitCode: 2, message: /No such folder: no\/such/ });
  });
});

describe("summarising runs", () => {
  it("takes mean and deviation over trials of finished runs, last and best epoch", async (t) => {
    const dir = temporaryFolder(t);
    await writeRun(dir, "1", { trial: 1, top1: [50, 77, 76] });
    await writeRun(dir, "2", { trial: 2, top1: [50, 70, 78] });
    await writeRun(dir, "3", { trial: 3, top1: [50, 99, 99], done: 2 });
    const [summary, ...more] = summarize(collectRuns([dir]).runs);
    assert.equal(more.length, 0);
    assert.equal(summary?.n, 2);
    assert.equal(summary?.unfinished, 1);
    assert.equal(summary?.last?.mean, 77);
    assert.equal(summary?.last?.std, Math.SQRT2);
    assert.equal(summary?.best?.mean, 77.5);
    // Seconds of three epochs each: 3 * 1.77 and 3 * 1.79.
    assert.ok(Math.abs((summary?.secondsPerRun ?? 0) - 5.34) < 1e-9);
  });

  it("never mixes runs that differ in anything but the trial, and says in what", async (t) => {
    const dir = temporaryFolder(t);
    const top1 = [60, 61];
    await writeRun(dir, "a1", { trial: 1, top1 });
    await writeRun(dir, "a2", { trial: 2, top1, config: { data: "/elsewhere", save_freq: 1 } });
    await writeRun(dir, "b1", { top1, config: { num_proj: 1 } });
    await writeRun(dir, "b2", { top1, config: { num_proj: 10 } });
    await writeRun(dir, "c1", { top1, config: { some_new_option: true } });
    await writeRun(dir, "d1", { top1, config: { distill: "kd", gamma: 0.1, beta: 0.9 } });
    const summaries = summarize(collectRuns([dir]).runs);
    assert.deepEqual(
      summaries.map(({ method, n, differs }) => [method, n, differs]),
      [
        ["ours", 1, { num_proj: 1 }],
        ["ours", 2, { num_proj: 3 }],
        ["ours", 1, { num_proj: 3, some_new_option: true }],
        ["ours", 1, { num_proj: 10 }],
        ["kd", 1, {}],
      ],
    );
    assert.deepEqual(experimentLabels(summaries), [
      "ours, num_proj 1",
      "ours, num_proj 3",
      "ours, num_proj 3, some_new_option true",
      "ours, num_proj 10",
      "kd",
    ]);
  });

  it("parts runs by their kernels; one of which nobody wrote them down counts as the others", async (t) => {
    const dir = temporaryFolder(t);
    const inputs = { trainSha256: "1".repeat(64), testSha256: "2".repeat(64) };
    const identity = { ...inputs, engine: "graph", device: "cpu", numerics: 7, options: {} };
    const write = (name: string, trial: number, kernels?: string) =>
      writeRun(dir, name, {
        trial,
        top1: [60],
        config: { identity: { ...identity, ...(kernels && { kernels }) } },
      });
    const groups = () => summarize(collectRuns([dir]).runs).map(({ n, settings }) => [settings.kernels, n]);
    await write("a1", 1);
    await write("a2", 2, "own");
    assert.deepEqual(groups(), [["own", 2]]);
    await write("a3", 3, "tensorflow");
    assert.deepEqual(groups().sort(), [
      [undefined, 1],
      ["own", 1],
      ["tensorflow", 1],
    ]);
  });

  it("tells a teacher's path by folder and file only", async (t) => {
    const dir = temporaryFolder(t);
    const path = "/data/resnet32x4_vanilla/ckpt_epoch_240.pth";
    await writeRun(dir, "a1", { top1: [60] });
    await writeRun(dir, "a2", { top1: [61], trial: 2, config: { path_t: path } });
    assert.equal(summarize(collectRuns([dir]).runs).length, 1);
  });
});

describe("the report's table", () => {
  it("reads as expected: teachers first, published figures with their note, unfinished counted", async (t) => {
    const dir = temporaryFolder(t);
    const kd = { distill: "kd", gamma: 0.1, beta: 0.9 };
    await writeRun(dir, "kd1", { trial: 1, top1: [70, 73], config: kd });
    await writeRun(dir, "kd2", { trial: 2, top1: [70, 74], config: kd });
    await writeRun(dir, "kd3", { trial: 3, top1: [70, 74], config: kd, done: 1 });
    await writeRun(dir, "teacher", {
      top1: [78, 79.38],
      config: {
        kind: "teacher",
        model: "resnet32x4",
        gamma: undefined,
        alpha: undefined,
        beta: undefined,
      },
    });
    const summaries = summarize(collectRuns([dir]).runs, ({ method }) =>
      method === "kd" ? figuresOf("resnet32x4-resnet8x4").get("kd") : undefined,
    );
    const text = [
      "Teacher     Model       Method     r  a    b                  n    Last top-1    Best top-1  Published  Time per run  ms/step",
      "----------  ----------  -------  ---  -  ---  -----------------  ------------  ------------  ---------  ------------  -------",
      "-           resnet32x4  teacher    -  -    -                  1         79.38         79.38          -         3.5 s      1.9",
      "resnet32x4  resnet8x4   kd       0.1  0  0.9  2 (+1 unfinished)  73.50 ± 0.71  73.50 ± 0.71    73.33 *         3.6 s      1.9",
    ];
    assert.deepEqual(renderText(summaryTable(summaries)).split("\n"), text);
    const [note, sources, teachers] = summaryNotes(summaries);
    assert.equal(note, "* kd: 2 epochs, published with 240.");
    assert.equal(teachers, "Top-1 of the published runs' teachers: resnet32x4 79.42.");
    assert.equal(sources, "Published: https://github.com/HobbitLong/RepDistiller (kd).");
  });

  it("stars what differs from the published runs, and says in what", async (t) => {
    const dir = temporaryFolder(t);
    const write = (distill: string, config: object, epochs = 240) =>
      writeRun(dir, `${distill}_${Object.values(config)}`, {
        epochs,
        config: { distill, ...config },
      });
    await write("kd", {});
    await write("abound", { init_epochs: 30 }, 270);
    await write("rkd", { batch_size: 512, learning_rate: 0.4 });
    await write("pkt", { limit_train: 20_000 });
    writeResult(await write("hint", {}), "a".repeat(64), { teacherTop1: 74.2 });
    writeResult(await write("similarity", {}), "b".repeat(64), { teacherTop1: 79.4 });
    await write("mlld", { lskd: true, learning_rate: 0.025 }, 480);
    const summaries = summarize(collectRuns([dir]).runs, publishedOf);
    const cells = summaries.map(({ method, comparable }) => [method, comparable]);
    assert.deepEqual(Object.fromEntries(cells), {
      kd: true,
      abound: true,
      hint: false,
      similarity: true,
      rkd: false,
      pkt: false,
      lskd_mlkd: true,
    });
    const notes = summaryNotes(summaries);
    const stars = notes.filter((line) => line.startsWith("*"));
    assert.deepEqual(stars.sort(), [
      "* hint: teacher of 74.20 %, published with 79.42 %.",
      "* pkt: fewer training images.",
      "* rkd: batch_size 512, published with 64; learning_rate 0.4, published with 0.05.",
    ]);
    const best = "Published for the best epoch; compare with Best top-1: lskd_mlkd.";
    assert.ok(notes.includes(best));
  });

  it("for programs keeps all digits, and mean and deviation apart", async (t) => {
    const dir = temporaryFolder(t);
    await writeRun(dir, "1", { trial: 1, top1: [1 / 3] });
    const found = collectRuns([dir]);
    const summaries = summarize(found.runs);
    const [titles, line] = renderCsv(summaryCsvTable(summaries)).split("\n");
    assert.match(titles ?? "", /^kind,teacher,model,method,gamma,alpha,beta,n,unfinished,last_top1_mean,/);
    assert.match(line ?? "", /^distill,resnet32x4,resnet8x4,ours,1,0,25,1,0,0\.3333333333333333,,/);
    const json = JSON.parse(JSON.stringify(reportDocument(summaries, found)));
    assert.equal(json.experiments[0].last.mean, 1 / 3);
    assert.equal(json.experiments[0].published, null);
    assert.equal(json.runs[0].test.top1, 1 / 3);
    assert.deepEqual(json.runs[0].best, { top1: 1 / 3, epoch: 1 });
  });
});

describe("runs that repeat another", () => {
  /** A run of 3 epochs with a result.json that names its weights. */
  async function finished(dir: string, name: string, weights: string, config = {}, trial = 1) {
    const made = await writeRun(dir, name, { trial, top1: [50, 60, 70 + trial], config });
    writeResult(made, weights);
    return made;
  }

  it("count once: a rerun, a copied folder, the same seed with other weights", async (t) => {
    const dir = temporaryFolder(t);
    const first = await finished(dir, "a", "a".repeat(64));
    await finished(dir, "b", "b".repeat(64), {}, 2);
    cpSync(first, join(dir, "copied"), { recursive: true });
    const rerun = await finished(dir, "rerun", "a".repeat(64), {
      deterministic: true,
      numerics: 9,
    });
    await finished(dir, "elsewhere", "c".repeat(64));
    touch(first, 1000);
    touch(rerun, 2000);
    const { runs } = collectRuns([dir]);
    const [summary, ...more] = summarize(runs);
    assert.equal(more.length, 0);
    assert.equal(summary?.n, 2);
    assert.deepEqual(
      summary?.runs.map((run) => run.trial),
      [1, 2],
    );
    assert.equal(summary?.runs[0]?.dir, first);
    const notes = summaryNotes(summarize(runs)).filter((line) => line.startsWith("Skipped"));
    assert.deepEqual(notes.sort(), [
      `Skipped: ${join(dir, "copied")} repeats trial 1 of ${first} (the same weights).`,
      `Skipped: ${join(dir, "elsewhere")} repeats trial 1 of ${first} (the same seed, other weights).`,
      `Skipped: ${rerun} repeats trial 1 of ${first} (the same weights).`,
    ]);
    const { repeats } = reportDocument(summarize(runs), { runs, problems: [] }) as {
      repeats: { runDir: string; repeats: string; sameWeights: boolean }[];
    };
    assert.equal(repeats.length, 3);
    assert.ok(repeats.every((repeat) => repeat.repeats === first));
  });

  it("are not those of other experiments that end alike", async (t) => {
    const dir = temporaryFolder(t);
    await finished(dir, "a", "a".repeat(64));
    await finished(dir, "b", "b".repeat(64), { num_proj: 5 });
    assert.deepEqual(
      summarize(collectRuns([dir]).runs).map(({ n }) => n),
      [1, 1],
    );
  });
});

it("trials of a later generation are one experiment, though each has a teacher of its own", async (t) => {
  const dir = temporaryFolder(t);
  const sha256 = (digit: number) => String(digit).repeat(64);
  for (const trial of [1, 2]) {
    for (const generation of [1, 2]) {
      const teacherSha256 = sha256(generation === 1 ? 0 : trial);
      const data = { trainSha256: sha256(8), testSha256: sha256(9), teacherSha256 };
      const identity = { ...data, engine: "graph", device: "cpu", numerics: 7, options: {} };
      await writeRun(dir, `trial_${trial}_generation_${generation}`, {
        trial,
        epochs: 2,
        config: { generation, identity },
      });
    }
  }
  const summaries = summarize(collectRuns([dir]).runs);
  assert.deepEqual(
    summaries.map(({ n, differs }) => [n, differs.generation]),
    [
      [2, 1],
      [2, 2],
    ],
  );
});

test("a method has one color in all pairs, and its experiments of one pair have several", async (t) => {
  const dir = temporaryFolder(t);
  for (const model_t of ["resnet32x4", "vgg13"]) {
    for (const [distill, beta] of [
      ["kd", 1],
      ["ours", 1],
      ["ours", 25],
    ] as const) {
      await writeRun(dir, `${model_t}_${distill}_${beta}`, { epochs: 1, config: { model_t, distill, beta } });
    }
  }
  const tones = summarize(collectRuns([dir]).runs).map(({ teacher, method, weights, tone }) => ({
    of: `${method} ${weights.beta}`,
    teacher,
    tone,
  }));
  for (const of of ["kd 1", "ours 1", "ours 25"]) {
    assert.equal(new Set(tones.filter((one) => one.of === of).map(({ tone }) => tone)).size, 1, of);
  }
  assert.equal(new Set(tones.map(({ tone }) => tone)).size, 3);
});
