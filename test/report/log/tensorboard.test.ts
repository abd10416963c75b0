import assert from "node:assert/strict";
import fs, { readdirSync, readFileSync, statSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { describe, it } from "node:test";
import { crc32c, openEventLog, openRunEvents } from "#pefd/report/log/runEvents.js";
import { missingPython, runPython } from "../../helpers/python.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { row } from "../rows.js";
import { decodeEvents } from "./events.js";

const START_OF_2026 = 1_767_225_600_000;
const files = (folder: string) => readdirSync(folder).filter((name) => name.includes("tfevents"));
const read = (folder: string, index = 0) => decodeEvents(readFileSync(join(folder, files(folder)[index] ?? "")));

it("crc32c gives the published check values", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa); // RFC 3720, B.4
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
});

describe("an event file", () => {
  it("holds a version, then scalars with tag, step, value and time; readable before it is closed", (t) => {
    const folder = temporaryFolder(t);
    const log = openEventLog(folder, { clock: () => START_OF_2026 });
    log.scalar("train_acc", 45.25, 1);
    log.scalar("test_acc", -0.5, 300_000_000_000);
    assert.deepEqual(read(folder), [
      { wallTime: 1_767_225_600, step: 0, fileVersion: "brain.Event:2" },
      { wallTime: 1_767_225_600, step: 1, tag: "train_acc", value: 45.25 },
      { wallTime: 1_767_225_600, step: 300_000_000_000, tag: "test_acc", value: -0.5 },
    ]);
    log.close();
    assert.match(files(folder)[0] ?? "", /^events\.out\.tfevents\.1767225600\./);
  });

  it("of a run that goes on begins a new file, later by name even when the clock went back", (t) => {
    const folder = temporaryFolder(t);
    openEventLog(folder, { clock: () => START_OF_2026 }).close();
    openEventLog(folder, { clock: () => START_OF_2026, afterStep: 7 }).close();
    openEventLog(folder, { clock: () => START_OF_2026 - 9e6, afterStep: 8 }).close();
    assert.equal(files(folder).length, 3);
    assert.deepEqual(read(folder, 1)[1], { wallTime: 1_767_225_600, step: 8, sessionStatus: 1 });
    assert.equal(read(folder, 2)[1]?.step, 9);
  });
});

describe("the events of a run", () => {
  it("are on the disk after each epoch, before they are closed", (t) => {
    const folder = temporaryFolder(t);
    const events = openRunEvents(folder, { afterEpoch: 0, steps: 10, tbFreq: 4 });
    const sizes: number[] = [];
    t.mock.method(fs, "fsyncSync", (file: number) => sizes.push(fs.fstatSync(file).size));
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.reset();
      syncBuiltinESMExports();
    });
    events.epochDone(row(1));
    assert.deepEqual(sizes, [statSync(join(folder, files(folder)[0] ?? "")).size]);
    const logged = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.includes("tfevents"))
      .flatMap((name) => decodeEvents(readFileSync(join(folder, name))));
    assert.deepEqual(
      logged.filter(({ tag }) => tag !== undefined).map(({ step }) => step),
      [1, 1, 1, 1, 1],
    );
    events.close();
  });

  it("are the paper's five scalars by epoch, and by training step where asked for, apart", (t) => {
    const folder = temporaryFolder(t);
    const events = openRunEvents(folder, { afterEpoch: 0, steps: 10, tbFreq: 4 });
    const at = (step: number) => ({
      epoch: 2,
      epochs: 2,
      step,
      steps: 10,
      images: step,
      batchSeconds: 1,
      dataSeconds: 0,
      loss: step,
      top1: 10 * step,
      top5: 0,
    });
    for (let step = 1; step <= 10; step++) events.stepDone(at(step));
    events.epochDone(row(2));
    events.close();
    const epoch = row(2);
    const expected = {
      train_acc: epoch.train.top1,
      train_loss: epoch.train.loss,
      test_acc: epoch.test.top1,
      test_loss: epoch.test.loss,
      test_acc_top5: epoch.test.top5,
    };
    const found = read(folder)
      .slice(1)
      .map(({ tag, value, step }) => ({ tag, value, step }));
    assert.deepEqual(
      found,
      Object.entries(expected).map(([tag, value]) => ({ tag, value: Math.fround(value), step: 2 })),
    );
    // Steps 1-4 of epoch 2 have the mean 4, steps 5-8 lift it to 8: they alone have the mean 12.
    const byStep = read(join(folder, "steps")).slice(1);
    assert.deepEqual(
      byStep.map(({ tag, value, step }) => [tag, value, step]),
      [
        ["train_loss", 4, 14],
        ["train_acc", 40, 14],
        ["train_loss", 12, 18],
        ["train_acc", 120, 18],
      ],
    );
  });

  it("by training step do not exist unless asked for", (t) => {
    const folder = temporaryFolder(t);
    openRunEvents(folder, { afterEpoch: 0, steps: 10 }).close();
    assert.equal(readdirSync(folder).length, 1);
  });
});

const READER = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
reader = EventAccumulator(sys.argv[1]).Reload()
print(json.dumps({tag: [[e.step, e.value] for e in reader.Scalars(tag)] for tag in reader.Tags()["scalars"]}))
`;

const skip = missingPython("tensorboard");

it("TensorBoard's own reader finds all five scalars, and drops what a resumed run superseded", {
  skip,
}, (t) => {
  const folder = temporaryFolder(t);
  const first = openRunEvents(folder, { afterEpoch: 0, steps: 10 });
  for (const epoch of [1, 2, 3]) first.epochDone(row(epoch));
  first.close();
  const resumed = openRunEvents(folder, { afterEpoch: 1, steps: 10 });
  const again = row(2, { test: { loss: 0.5, top1: 50, top5: 75 } });
  resumed.epochDone(again);
  // Not closed: TensorBoard reads while the run goes on.
  const curves = JSON.parse(runPython(READER, [folder])) as Record<string, number[][]>;
  resumed.close();
  const both = (value: (r: typeof again) => number) => [
    [1, Math.fround(value(row(1)))],
    [2, Math.fround(value(again))],
  ];
  assert.deepEqual(curves, {
    train_acc: both((r) => r.train.top1),
    train_loss: both((r) => r.train.loss),
    test_acc: both((r) => r.test.top1),
    test_loss: both((r) => r.test.loss),
    test_acc_top5: both((r) => r.test.top5),
  });
});
