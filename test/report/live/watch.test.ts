import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createLiveText } from "#pefd/report/live/progressBar.js";
import { renderWatch, sparkline } from "#pefd/report/live/watch.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import type { RunRecord } from "#pefd/report/runs/runRecord.js";
import { secondsToGo, stateOf } from "#pefd/report/runs/runRecord.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { type FakeRun, writeRun } from "../fakeRuns.js";
import { row } from "../rows.js";
import { screen } from "./screen.js";

const NOW = 1_767_225_600_000;

const record = (done: number, more: Partial<RunRecord> = {}): RunRecord => ({
  dir: "save/run",
  kind: "distill",
  model: "resnet8x4",
  teacher: "resnet32x4",
  method: "ours",
  trial: 1,
  epochs: 10,
  rows: Array.from({ length: done }, (_, i) => row(i + 1, { seconds: 30 })),
  finished: done === 10,
  config: {},
  result: undefined,
  failure: undefined,
  updatedAt: NOW,
  ...more,
});

describe("a sparkline", () => {
  it("goes from the lowest to the highest block, and thins long curves by means", () => {
    assert.equal(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 20), "▁▂▃▄▅▆▇█");
    assert.equal(sparkline([0, 0, 1, 1, 3, 4], 3), "▁▃█");
    assert.equal(sparkline([5, 5], 10), "▁▁");
    assert.equal(sparkline([1, Number.NaN, 2], 10), "▁ █");
    assert.equal(sparkline([], 10), "");
  });
});

describe("a run's state", () => {
  const later = (seconds: number) => NOW + seconds * 1000;

  it("is told by its logs: stopped after three silent epochs, ten minutes before the first", () => {
    assert.equal(stateOf(record(10), later(1e6)), "finished");
    assert.equal(stateOf(record(4), later(89)), "running");
    assert.equal(stateOf(record(4), later(91)), "stopped");
    assert.equal(stateOf(record(0), later(599)), "running");
    assert.equal(stateOf(record(0), later(601)), "stopped");
    const fast = record(1, { rows: [row(1, { seconds: 0.1 })] });
    assert.equal(stateOf(fast, later(59)), "running");
  });

  it("does not suffer from a clock that was set back", () => {
    assert.equal(stateOf(record(4), later(-3600)), "running");
    assert.equal(secondsToGo(record(4), later(-3600)), 180);
  });

  it("comes with the time left, counted from the last sign of life", () => {
    assert.equal(secondsToGo(record(4), later(10)), 170);
    assert.equal(secondsToGo(record(0), later(0)), undefined);
    assert.equal(secondsToGo(record(4), later(500)), undefined);
    assert.equal(secondsToGo(record(10), later(0)), undefined);
  });
});

describe("the watch", () => {
  async function text(dir: string, runs: readonly FakeRun[], columns: number): Promise<string[]> {
    for (const [index, run] of runs.entries()) await writeRun(dir, `run_${index}`, run);
    const now = Date.now() + 2 * 60_000;
    return renderWatch(collectRuns([dir]).runs, now, columns).split("\n");
  }

  it("lists runs, running ones first, and is never wider than the terminal", async (t) => {
    const runs = [
      { trial: 1, top1: [10, 20, 30] },
      { trial: 2, top1: [10, 20, 30], done: 2 },
      { trial: 3, epochs: 3, done: 0 },
    ];
    const lines = await text(temporaryFolder(t), runs, 100);
    assert.equal(lines[0], "1 running, 1 stopped, 1 finished");
    assert.deepEqual(
      lines.slice(4).map((line) => line.replace(/ +/g, " ").replace(/\d+\.\d{3}/, "LOSS")),
      [
        "running ours 3 0/3 - - - -",
        "stopped ours 2 2/3 LOSS 20.00 20.00 - ▁█",
        "finished ours 1 3/3 LOSS 30.00 30.00 - ▁▅█",
      ],
    );
    for (const columns of [30, 60, 100]) {
      const narrow = await text(temporaryFolder(t), runs, columns);
      assert.ok(narrow.every((line) => [...line].length <= columns));
    }
  });

  it("shows a single run with all its curves", async (t) => {
    const lines = await text(temporaryFolder(t), [{ top1: [10, 30, 20], epochs: 9, done: 3 }], 80);
    assert.equal(lines[0], "stopped  resnet32x4 → resnet8x4, ours, trial 1");
    assert.equal(lines[1], "Epoch 3/9, best top-1 30.00 (epoch 2), ETA -");
    assert.match(lines[2] ?? "", /^Test top-1 +20 {2}▁█▅$/);
    assert.match(lines.at(-1) ?? "", /run_0$/);
  });

  it("says that there is nothing yet", () => {
    assert.equal(renderWatch([], NOW, 80), "No runs yet.");
  });

  it("colours states where asked to", () => {
    const text = renderWatch([record(4)], NOW, 80, true);
    assert.ok(text.startsWith("\u001b[32mrunning\u001b[39m  resnet32x4"));
  });
});

describe("live text", () => {
  it("replaces what it wrote before, longer or shorter", () => {
    const written: string[] = [];
    const live = createLiveText({ write: (text) => written.push(text), rows: 10 });
    live.show("a\nb\nc");
    live.show("d");
    live.show("e\nf");
    assert.deepEqual(screen(written.join("")), ["e", "f", ""]);
  });

  it("stays within the height of the terminal", () => {
    const written: string[] = [];
    const live = createLiveText({ write: (text) => written.push(text), rows: 5 });
    live.show("1\n2\n3\n4\n5\n6");
    assert.deepEqual(screen(written.join("")), ["1", "2", "3", "... and 3 more lines", ""]);
  });
});
