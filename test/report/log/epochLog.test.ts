import assert from "node:assert/strict";
import fs, { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { EpochRow } from "#pefd/report/log/contract.js";
import { openEpochLog, packRows, readEpochLog } from "#pefd/report/log/epochLog.js";
import { smallDisk } from "../../helpers/smallDisk.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { row } from "../rows.js";

async function write(folder: string, epochs: readonly number[], afterEpoch = 0): Promise<void> {
  const log = await openEpochLog(folder, { afterEpoch });
  for (const epoch of epochs) log.append(row(epoch));
  log.close();
}

const epochs = (folder: string) => readEpochLog(folder).map(({ epoch }) => epoch);

describe("epochs.csv", () => {
  it("holds the documented columns, and numbers that read back exactly", async (t) => {
    const folder = temporaryFolder(t);
    const odd = row(3, { train: { loss: Number.NaN, top1: 1e-7, top5: 0.1 + 0.2 } });
    const log = await openEpochLog(folder, { afterEpoch: 0 });
    for (const each of [row(1), row(2), odd]) log.append(each);
    log.close();
    const [header] = readFileSync(join(folder, "epochs.csv"), "utf8").split("\n");
    assert.equal(
      header,
      "epoch,learning_rate,train_loss,train_top1,train_top5,test_loss,test_top1,test_top5,seconds,step_ms",
    );
    assert.deepEqual(readEpochLog(folder), [row(1), row(2), odd]);
  });

  it("has a column for each term of the loss, which a log that goes on keeps", async (t) => {
    const folder = temporaryFolder(t);
    const terms = { ce: 0.1 + 0.2, alignment: 1e-7 };
    const rows = [1, 2].map((epoch) => row(epoch, { train: { ...row(epoch).train, terms } }));
    const open = (afterEpoch: number, names: readonly string[]) => openEpochLog(folder, { afterEpoch, terms: names });
    const first = await open(0, ["ce", "alignment"]);
    first.append(rows[0] as EpochRow);
    first.close();
    const next = await open(1, []);
    next.append(rows[1] as EpochRow);
    next.close();
    assert.match(readFileSync(join(folder, "epochs.csv"), "utf8"), /,step_ms,train_ce,train_alignment\n/);
    assert.deepEqual(readEpochLog(folder), rows);
  });

  it("is packed for reports in under 200 bytes a row, each row with its own numbers", () => {
    const rows = Array.from({ length: 60_000 }, (_, at) => {
      const each = row(at + 1, { learningRate: 1 / (at + 3) });
      return { ...each, train: { ...each.train, terms: { ce: at / 7, kd: at / 9 } }, imagesPerSecond: 0 };
    });
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const used = () => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const before = used();
    const packed = packRows(rows);
    const bytes = (used() - before) / rows.length;
    assert.ok(bytes < 200, `${bytes} bytes a row`);
    const told = (all: readonly EpochRow[]) =>
      all.map(({ epoch, learningRate, train, test, seconds, stepMs, imagesPerSecond }) => ({
        epoch,
        learningRate,
        train,
        test,
        seconds,
        stepMs,
        imagesPerSecond,
      }));
    assert.deepEqual(told(packed), told(rows));
    assert.deepEqual(told(packRows([row(1), row(2)])), told([row(1), row(2)]));
    assert.deepEqual(packRows([]), []);
  });

  it("has a row on the disk when it is logged", async (t) => {
    const folder = temporaryFolder(t);
    const log = await openEpochLog(folder, { afterEpoch: 0 });
    const real = fs.fsyncSync;
    const synced: string[] = [];
    t.mock.method(fs, "fsyncSync", (file: number) => {
      synced.push(readFileSync(`/proc/self/fd/${file}`, "utf8").split("\n").at(-2) ?? "");
      real(file);
    });
    syncBuiltinESMExports();
    t.after(() => {
      t.mock.reset();
      syncBuiltinESMExports();
    });
    for (const epoch of [1, 2]) log.append(row(epoch));
    log.close();
    assert.deepEqual(
      synced.map((line) => line.split(",")[0]),
      ["1", "2"],
    );
  });

  it("starts anew for a fresh run and drops rows after the checkpoint when a run goes on", async (t) => {
    const folder = temporaryFolder(t);
    await write(folder, [1, 2, 3, 4]);
    await write(folder, [3], 2);
    assert.deepEqual(epochs(folder), [1, 2, 3]);
    await write(folder, [1]);
    assert.deepEqual(epochs(folder), [1]);
    assert.deepEqual(readdirSync(folder), ["epochs.csv"], "no temporary file is left");
  });

  it("goes on after a crash that left half a row, or a row of zeros", async (t) => {
    const folder = temporaryFolder(t);
    await write(folder, [1, 2]);
    writeFileSync(join(folder, "epochs.csv"), "3,0.05,12", { flag: "a" });
    await write(folder, [3], 2);
    writeFileSync(join(folder, "epochs.csv"), `${"\0".repeat(40)}\n`, { flag: "a" });
    await write(folder, [4], 3);
    assert.deepEqual(epochs(folder), [1, 2, 3, 4]);
  });

  it("never shows a reader a row that is not complete, wherever the last line is cut", async (t) => {
    const folder = temporaryFolder(t);
    await write(folder, [1, 2]);
    const path = join(folder, "epochs.csv");
    const full = readFileSync(path);
    const lastLine = full.subarray(0, -1).lastIndexOf("\n") + 1;
    for (let size = full.length - 1; size >= lastLine; size--) {
      truncateSync(path, size);
      assert.deepEqual(epochs(folder), [1]);
    }
  });

  it("is empty where there is none, and names file and line where it is damaged", async (t) => {
    const folder = temporaryFolder(t);
    assert.deepEqual(readEpochLog(folder), []);
    await write(folder, [1]);
    writeFileSync(join(folder, "epochs.csv"), "2,what\n", { flag: "a" });
    assert.throws(() => readEpochLog(folder), {
      exitCode: 2,
      message: /epochs\.csv, line 3: .*"2,what"/,
    });
    writeFileSync(join(folder, "epochs.csv"), "a,b\n1,2\n");
    assert.throws(() => readEpochLog(folder), { exitCode: 2, message: /not a log of epochs/ });
  });

  it("says that a folder cannot be written", async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, "run"), "a file, not a folder");
    await assert.rejects(openEpochLog(join(folder, "run"), { afterEpoch: 0 }), {
      exitCode: 2,
      message: /run\/epochs\.csv could not be written/,
    });
  });
});

it("a full disk stops the log with one sentence and leaves whole rows only", async (t) => {
  const disk = smallDisk(t, "64k");
  if (disk === undefined) return;
  mkdirSync(join(disk, "run"));
  const log = await openEpochLog(join(disk, "run"), { afterEpoch: 0 });
  let written = 0;
  assert.throws(
    () => {
      for (;;) {
        log.append(row(written + 1));
        written++;
      }
    },
    { exitCode: 1, message: /epochs\.csv could not be written: the disk is full\./ },
  );
  log.close();
  const text = readFileSync(join(disk, "run", "epochs.csv"), "utf8");
  assert.ok(written > 50);
  assert.equal(readEpochLog(join(disk, "run")).length, written);
  assert.ok(text.endsWith("\n"));
  const again = openEpochLog(join(disk, "run"), { afterEpoch: written });
  await assert.rejects(again, { exitCode: 1, message: /the disk is full/ });
  assert.equal(readEpochLog(join(disk, "run")).length, written, "a failed start changes nothing");
  assert.deepEqual(readdirSync(join(disk, "run")), ["epochs.csv"]);
});
