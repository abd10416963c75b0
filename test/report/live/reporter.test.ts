import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import {
  createReporter,
  type EpochRow,
  type RunInfo,
  type StepProgress,
  silentReporter,
  stepFields,
} from "#pefd/report/live/reporter.js";
import { screen } from "./screen.js";

const ESC = "\u001b";

const INFO: RunInfo = {
  title: "distil resnet32x4 -> resnet8x4 with ours",
  runDir: "save/student_model/S:resnet8x4_T:resnet32x4",
  epochs: 3,
  firstEpoch: 1,
  steps: 4,
  engine: "eager",
  precision: "float32",
  device: "CPU",
};

const step = (epoch: number, done: number, more: Partial<StepProgress> = {}): StepProgress => ({
  epoch,
  epochs: 3,
  step: done,
  steps: 4,
  images: done * 64,
  batchSeconds: 0.5,
  dataSeconds: 0.1,
  loss: 4,
  top1: 10,
  top5: 30,
  ...more,
});

const row = (epoch: number): EpochRow => ({
  epoch,
  learningRate: 0.05,
  train: { loss: 12.3456, top1: 45.2, top5: 77.1 },
  test: { loss: 2.1, top1: 40.25, top5: 70 },
  seconds: 23.4,
  stepMs: 12.3,
  imagesPerSecond: 5210,
});

interface More {
  readonly printFreq?: number;
  readonly quiet?: boolean;
  readonly logEvery?: number;
  readonly wide?: number;
}

function collect(isTTY: boolean, { wide = 120, ...more }: More = {}) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const stream = { write: (part: string) => written.push(part), columns: wide };
  const now = () => clock.ms;
  const reporter = createReporter({ stream, isTTY, columns: 80, color: false, now, ...more });
  const wait = (seconds: number) => {
    clock.ms += seconds * 1000;
  };
  return { reporter, text: () => written.join(""), wait };
}

describe("a run's reporter off a terminal", () => {
  it("prints one plain line per epoch and nothing per step", () => {
    const { reporter, text, wait } = collect(false);
    reporter.runStarted(INFO);
    for (let done = 1; done <= 4; done++) reporter.stepDone(step(1, done));
    wait(6);
    reporter.epochDone(row(1), { top1: 40.25, epoch: 1 });
    reporter.runEnded();
    const lines = text().trimEnd().split("\n");
    assert.equal(lines.length, 4);
    assert.match(lines[1] ?? "", /3 epochs of 4 steps; eager engine, float32, CPU/);
    assert.equal(
      lines[3],
      "epoch 1/3  lr 0.0500    train loss 12.3456 top-1 45.20 top-5 77.10  " +
        "test loss  2.1000 top-1 40.25 top-5 70.00  best 40.25 (epoch 1)   23.4 s    12.3 ms/step   " +
        "5210 images/s  ETA 16 s",
    );
    assert.ok(!text().includes(ESC) && !text().includes("\r"));
  });

  it("gives a sign of life after so many seconds without a line, in steps and in evaluations", () => {
    const { reporter, text, wait } = collect(false, { logEvery: 30 });
    reporter.runStarted(INFO);
    reporter.stepDone(step(1, 1));
    wait(29);
    reporter.stepDone(step(1, 2));
    wait(1);
    reporter.stepDone(step(1, 3));
    wait(29);
    reporter.evaluating(50, 100);
    wait(1);
    reporter.evaluating(60, 100);
    assert.deepEqual(text().trimEnd().split("\n").slice(3), [
      "epoch 1/3  ETA 2 min 15 s  step 3/4  loss 4.000  acc 10.0%  128 images/s",
      "evaluating: 60 of 100 images",
    ]);
  });

  it("goes on giving signs of life when the machine's clock is set back", (t) => {
    const written: string[] = [];
    let day = Date.parse("2026-12-02");
    t.mock.method(Date, "now", () => day);
    const reporter = createReporter({
      stream: { write: (part: string) => written.push(part), columns: 120 },
      isTTY: false,
      columns: 80,
      color: false,
      logEvery: 1e-9,
    });
    reporter.runStarted(INFO);
    reporter.stepDone(step(1, 1));
    day -= 86_400_000;
    const before = written.length;
    reporter.stepDone(step(1, 2));
    assert.match(written.slice(before).join(""), /^epoch 1\/3 {2}ETA \d[\d.]* s {2}step 2\/4/);
  });

  it("says what it is doing while it compiles, and that a resumed run goes on", () => {
    const { reporter, text } = collect(false);
    reporter.runStarted({ ...INFO, firstEpoch: 2 });
    reporter.phase("compiling the step");
    reporter.phase("");
    assert.match(text(), /resuming at epoch 2/);
    assert.match(text(), /\ncompiling the step\n$/);
  });

  it("keeps warnings and nothing else when quiet", () => {
    const { reporter, text } = collect(false, { quiet: true });
    reporter.runStarted(INFO);
    reporter.notice("a notice");
    reporter.epochDone(row(1), { top1: 40, epoch: 1 });
    reporter.warn("no GPU");
    assert.equal(text(), "warning: no GPU\n");
  });
});

describe("the fields beside the bar", () => {
  it("tell images per second of the epoch so far, and none before there is time to divide by", () => {
    const speedOf = (more: Partial<StepProgress>) => stepFields(step(1, 2, more), "-").at(-1);
    assert.equal(speedOf({ images: 128, batchSeconds: 0.5 }), "128 images/s");
    assert.equal(speedOf({ images: 128, batchSeconds: 8 }), "8.0 images/s");
    assert.equal(speedOf({ batchSeconds: 0 }), "0.0 images/s");
  });
});

describe("the paper's lines", () => {
  it("give the newest batch and the mean so far, every print_freq steps from index 0", () => {
    const { reporter, text } = collect(false, { printFreq: 2 });
    reporter.runStarted(INFO);
    reporter.stepDone(step(1, 1, { loss: 5, top1: 1, top5: 2, batchSeconds: 2 }));
    reporter.stepDone(step(1, 2, { loss: 4, top1: 2, top5: 4, batchSeconds: 1 }));
    reporter.stepDone(step(1, 3, { loss: 3, top1: 4, top5: 6, batchSeconds: 0.3 }));
    const lines = text()
      .split("\n")
      .filter((line) => line.startsWith("Epoch: "));
    assert.deepEqual(lines, [
      "Epoch: [1][0/4]\tTime 2.000 (2.000)\tData 0.100 (0.100)\tLoss 5.0000 (5.0000)\tAcc@1 1.000 (1.000)\tAcc@5 2.000 (2.000)",
      "Epoch: [1][2/4]\tTime 0.300 (1.100)\tData 0.100 (0.100)\tLoss 1.0000 (3.0000)\tAcc@1 8.000 (4.000)\tAcc@5 10.000 (6.000)",
    ]);
  });

  it("never show an accuracy below zero, whatever the running mean was rounded to", () => {
    const { reporter, text } = collect(false, { printFreq: 1 });
    reporter.runStarted(INFO);
    reporter.stepDone(step(1, 1, { top1: 6.25 }));
    reporter.stepDone(step(1, 2, { top1: 6.25 / 2 - 1e-12 }));
    assert.match(text(), /\[1\/4\].*\tAcc@1 0\.000 /);
  });

  it("come once per crossing when many steps run in one call, and start anew each epoch", () => {
    const { reporter, text } = collect(false, { printFreq: 3 });
    reporter.runStarted(INFO);
    reporter.stepDone(step(1, 4));
    reporter.stepDone(step(2, 2));
    reporter.stepDone(step(2, 4));
    const indices = [...text().matchAll(/Epoch: \[(\d)\]\[(\d)\/4\]/g)].map((m) => [m[1], m[2]]);
    assert.deepEqual(indices, [
      ["1", "3"],
      ["2", "1"],
      ["2", "3"],
    ]);
  });
});

describe("a run's reporter on a terminal", () => {
  const epochOn = (wide: number) => {
    const { reporter, text } = collect(true, { wide });
    reporter.runStarted(INFO);
    reporter.epochDone(row(1), { top1: 40.25, epoch: 1 });
    reporter.runEnded();
    return screen(text()).find((line) => line.startsWith("epoch 1/3  ")) ?? "";
  };

  it("says of an epoch what fits into a line, what tells most first", () => {
    assert.equal(epochOn(70), "epoch 1/3  test top-1 40.25  best 40.25 (epoch 1)  ETA ?");
    assert.equal(epochOn(90), "epoch 1/3  train loss 12.3456  test top-1 40.25  best 40.25 (epoch 1)  ETA ?");
    assert.equal(
      epochOn(120),
      "epoch 1/3  train loss 12.3456 top-1 45.20  test loss  2.1000 top-1 40.25  best 40.25 (epoch 1)   23.4 s  ETA ?",
    );
    assert.match(epochOn(200), /top-5 77\.10.*12\.3 ms\/step +5210 images\/s {2}ETA \?$/);
    for (const wide of [60, 80, 120, 200]) assert.ok(epochOn(wide).length <= wide);
  });

  it("says the same of every epoch, in the same columns", () => {
    const { reporter, text, wait } = collect(true, { wide: 100 });
    reporter.runStarted({ ...INFO, epochs: 240 });
    for (const epoch of [1, 99, 240]) {
      wait(4000 * epoch);
      const train = { loss: 20 / epoch, top1: epoch / 3, top5: 77.1 };
      reporter.epochDone({ ...row(epoch), train, learningRate: 0.05 / epoch }, { top1: epoch / 4, epoch });
    }
    reporter.runEnded();
    const lines = screen(text()).filter((line) => /^epoch +\d+\/240/.test(line));
    assert.equal(lines.length, 3);
    const columns = lines.map((line) =>
      ["train loss", "test top-1", "best", "(epoch"].map((word) => line.indexOf(word)),
    );
    assert.deepEqual(columns[1], columns[0]);
    assert.deepEqual(columns[2], columns[0]);
    assert.ok(
      (columns[0] as number[]).every((at) => at > 0),
      lines[0],
    );
  });

  it("begins the bar of a run that goes on in the middle of an epoch where it stands", () => {
    const { reporter, text } = collect(true);
    reporter.runStarted({ ...INFO, firstEpoch: 2, stepsDone: 2 });
    assert.match(screen(text()).join("\n"), / 50% {2}epoch 2\/3/);
    reporter.runEnded();
  });

  it("begins the bar of a run that goes on where the run stands", () => {
    const { reporter, text } = collect(true);
    reporter.runStarted({ ...INFO, firstEpoch: 3 });
    reporter.phase("compiling the step");
    assert.match(screen(text()).join("\n"), / 66% {2}compiling the step/);
    reporter.runEnded();
  });

  it("shows epoch, loss and the time left beside a bar, and lines above it", () => {
    const { reporter, text, wait } = collect(true);
    reporter.runStarted(INFO);
    reporter.stepDone(step(1, 1));
    wait(1);
    reporter.stepDone(step(1, 2));
    reporter.notice("a notice");
    const shown = screen(text());
    reporter.runEnded();
    assert.ok(shown.includes("a notice"));
    const bar = shown.at(-1) ?? "";
    assert.match(bar, /^█+░+ +16% {2}epoch 1\/3 {2}ETA 10 s {2}step 2\/4 {2}loss 4\.000 {2}acc 10\.0%/);
    assert.ok(bar.length < 120);
    assert.equal(screen(text()).at(-1), "", "the bar is gone in the end");
  });

  it("never hides the cursor nor switches line wrapping, so that a killed run leaves a sane terminal", () => {
    const { reporter, text } = collect(true);
    reporter.runStarted(INFO);
    reporter.phase("compiling the step");
    reporter.stepDone(step(1, 1));
    assert.match(text(), /compiling the step/);
    for (const code of ["[?", "7", "8"]) assert.ok(!text().includes(`${ESC}${code}`));
    reporter.runEnded();
    reporter.runEnded();
  });

  it("does not keep a failed process alive", () => {
    const module = import.meta.resolve("#pefd/report/live/reporter.js");
    const script = `const { createReporter } = await import(${JSON.stringify(module)});
      const r = createReporter({ stream: process.stderr, isTTY: true, columns: 80, color: false });
      r.runStarted(${JSON.stringify(INFO)}); r.stepDone(${JSON.stringify(step(1, 1))});`;
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      timeout: 20_000,
      encoding: "utf8",
    });
    assert.equal(child.signal, null);
    assert.equal(child.status, 0);
    assert.ok(child.stderr.endsWith(`\r${ESC}[K`), "the bar's line is cleared when the process ends");
  });
});

it("the silent reporter is silent", () => {
  silentReporter.runStarted(INFO);
  silentReporter.stepDone(step(1, 1));
  silentReporter.runEnded();
});
