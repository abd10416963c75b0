import assert from "node:assert/strict";
import fs, { appendFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { livePage } from "#pefd/report/server.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { writeRun } from "../fakeRuns.js";

/** A page of runs that is asked at some times, and the files that each question opened. */
function watched(t: TestContext, dir: string, start: number, step: number) {
  const opened: string[] = [];
  const open = fs.openSync;
  t.mock.method(fs, "openSync", (path: string, ...more: [number]) => {
    if (path.startsWith(dir)) opened.push(path.slice(dir.length + 1));
    return open(path, ...more);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  let now = start;
  const page = livePage(
    [dir],
    () => undefined,
    () => {
      now += step;
      return now;
    },
  );
  return () => {
    opened.length = 0;
    const { html, version } = page();
    return { html, version, opened: opened.toSorted() };
  };
}

it("a poll opens no file where nothing has changed, and else those of the runs that have", async (t) => {
  const dir = temporaryFolder(t);
  for (const name of ["one", "two", "three"]) await writeRun(dir, name, { epochs: 4, done: 3 });
  await writeRun(join(dir, "below"), "four", { epochs: 3 });
  const look = watched(t, dir, Date.now() + 3_600_000, 60_000);
  const first = look();
  assert.ok(first.opened.length >= 8, "every run is read once");
  for (let poll = 0; poll < 3; poll++) {
    const again = look();
    assert.deepEqual([again.opened, again.version], [[], first.version]);
  }
  const log = fs.readFileSync(join(dir, "two/epochs.csv"), "utf8");
  appendFileSync(join(dir, "two/epochs.csv"), log.slice(log.indexOf("\n3,") + 1).replace("3", "4"));
  const gone = look();
  assert.deepEqual(gone.opened, ["two/config.json", "two/epochs.csv"]);
  assert.notEqual(gone.version, first.version);
  assert.match(gone.html, /4 runs, 2 finished/);

  // A new config.json of the same size and times is another file.
  const path = join(dir, "one/config.json");
  const { atime, mtime } = fs.statSync(path);
  writeFileSync(path, fs.readFileSync(path, "utf8").replace('"kind"', '"kinD"'));
  utimesSync(path, atime, mtime);
  assert.match(look().html, /one\/config\.json is corrupt/);
  rmSync(join(dir, "below"), { recursive: true });
  assert.match(look().html, /2 runs, 1 finished/);
  assert.deepEqual(look().opened, [], "a damaged one is read once, too");
});

it("what has changed within the ticks of a file system's clock is read again, and is no news where it says the same", async (t) => {
  const dir = temporaryFolder(t);
  await writeRun(dir, "one", { epochs: 3 });
  // By this clock the files are of the future: their times say nothing.
  const look = watched(t, dir, Date.now() - 360_000_000, 3_600_000);
  const [first, second] = [look(), look()];
  assert.deepEqual(second.opened, first.opened);
  assert.equal(second.version, first.version);
});
