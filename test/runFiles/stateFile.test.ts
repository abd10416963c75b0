import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createRandom } from "#pefd/common/random.js";
import { EPOCH_LOG, epochLogText, readEpochLog } from "#pefd/report/log/epochLog.js";
import { CONFIG_FILE, type RunConfig, readConfig } from "#pefd/runFiles/identity.js";
import {
  LOCK,
  RESULT_FILE,
  readResult,
  readStateFile,
  SWEEP_JOB,
  wholeContent,
  writeStateFile,
} from "#pefd/runFiles/stateFile.js";
import { verifyRun } from "#pefd/verify/verify.js";
import { withoutRight } from "../helpers/otherUser.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const CONFIG = {
  kind: "teacher",
  model: "resnet8",
  epochs: 2,
  trial: 1,
  learning_rate: 0.05,
  lr_decay_epochs: [150, 180],
  deterministic: false,
  data: "data/cifar-100 (été)",
} as unknown as RunConfig;

async function written(t: TestContext): Promise<{ folder: string; path: string }> {
  const folder = temporaryFolder(t);
  const path = join(folder, CONFIG_FILE);
  await writeStateFile(path, CONFIG);
  return { folder, path };
}

test("a state file reads back as it was written, and people can read it", async (t) => {
  const { folder, path } = await written(t);
  assert.deepEqual(readConfig(folder), { state: "whole", content: CONFIG, sealed: true });
  assert.match(readFileSync(path, "utf8"), /^ {2}"learning_rate": 0\.05,$/m);
});

test("a flipped bit anywhere in a state file is seen", async (t) => {
  const { folder, path } = await written(t);
  const bytes = readFileSync(path);
  const value = bytes.indexOf('"checksum"');
  const unseen: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << bit), at);
      writeFileSync(path, flipped);
      const found = readConfig(folder);
      if (found.state !== "whole") continue;
      // White space between values means nothing, and a file whose checksum has another name is one without it.
      const same = found.sealed && JSON.stringify(found.content) === JSON.stringify(CONFIG);
      if (!same && !(at > value && !found.sealed)) unseen.push(8 * at + bit);
    }
  }
  assert.deepEqual(unseen, []);
});

const SMALL_AND_BAD: readonly [content: string, reason: RegExp][] = [
  ["", /it is not JSON/],
  ["null", /it is not a JSON object/],
  ["[]", /it is not a JSON object/],
  ['"text"', /it is not a JSON object/],
  ["{}", /it has a wrong value: kind must be distill or teacher/],
  ['{"kind":"teacher","epochs":-1}', /: epochs must be 1 or more/],
  ['{"kind":"teacher","epochs":1.5}', /: epochs must be an integer/],
  ['{"kind":"teacher","epochs":"2"}', /: epochs must be an integer/],
  ['{"kind":"teacher","epochs":2,"trial":"\\n\\n"}', /: trial must be an integer/],
  ['{"kind":"teacher","epochs":2,"model":"../../x"}', /: model must be a name/],
  ['{"kind":"teacher","epochs":2,"model":"a\\u001b[31m"}', /: model must be a name/],
  ['{"kind":"teacher","epochs":2,"a\\u001bb":null}', /: a\\x1bb must be a string/],
  ['{"kind":"teacher","epochs":2,"checksum":"0"}', /it does not match its checksum/],
  ["[".repeat(100_000) + "]".repeat(100_000), /it is nested deeper than 16 levels/],
  [`{"kind":"teacher","epochs":2${Array.from({ length: 600 }, (_, i) => `,"k${i}":0`).join("")}}`, /500 keys/],
  [" ".repeat(300_000), /it has 300000 bytes; the limit is 262144/],
];

test("small, deep and large damage is told in a clause", (t) => {
  const folder = temporaryFolder(t);
  for (const [content, reason] of SMALL_AND_BAD) {
    writeFileSync(join(folder, CONFIG_FILE), content);
    const found = readConfig(folder);
    assert.equal(found.state, "damaged", content.slice(0, 80));
    assert.match(found.state === "damaged" ? found.reason : "", reason);
  }
});

test("what is no regular file is not read, and not waited for", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, CONFIG_FILE);
  assert.deepEqual(readConfig(folder), { state: "absent" });
  assert.deepEqual(readConfig(join(folder, "none")), { state: "absent" });
  symlinkSync("/dev/zero", path);
  assert.deepEqual(readConfig(folder), {
    state: "damaged",
    reason: "it is a device, not a regular file",
  });
  rmSync(path);
  assert.equal(spawnSync("mkfifo", [path]).status, 0);
  assert.deepEqual(readConfig(folder), {
    state: "damaged",
    reason: "it is a pipe, not a regular file",
  });
});

test("no mutation of any state file is a crash", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "file.json");
  const random = createRandom(5, "state files");
  const owner = { host: "h", boot: "b", namespace: "n", pid: 1, started: "1", held: true };
  await writeStateFile(path, { ...owner, id: "17", runDirs: ["a", "b"], ...CONFIG });
  const whole = readFileSync(path, "latin1");
  const pieces = ["null", "-1", "1e999", "[", "{}", '"', "\\u0000", "\u00ff", "__proto__", "1.5", ""];
  for (let i = 0; i < 3000; i++) {
    let text = whole;
    for (let n = 0; n <= random.integer(4); n++) {
      const at = random.integer(text.length);
      const piece = pieces[random.integer(pieces.length)];
      text = text.slice(0, at) + piece + text.slice(at + random.integer(12));
    }
    writeFileSync(path, text, "latin1");
    for (const kind of [LOCK, SWEEP_JOB]) {
      assert.ok(["whole", "damaged"].includes(readStateFile<unknown>(path, kind).state));
    }
  }
  assert.equal(readResult(folder).state, "absent");
});

test("what must be whole where it is there ends in a sentence where it is damaged", async (t) => {
  const path = join(temporaryFolder(t), "sweep.json");
  assert.equal(wholeContent(path, SWEEP_JOB, "Submit again."), undefined);
  await writeStateFile(path, { id: "17", runDirs: ["a"] });
  assert.deepEqual(wholeContent(path, SWEEP_JOB, "Submit again."), { id: "17", runDirs: ["a"] });
  writeFileSync(path, "{");
  assert.throws(() => wholeContent(path, SWEEP_JOB, "Submit again."), {
    exitCode: 2,
    message: /sweep\.json is corrupt: it is not JSON/,
    hint: "Submit again.",
  });
});

test("a file that this user may not read is called that, not damaged", async (t) => {
  const { folder } = await written(t);
  chmodSync(folder, 0o755);
  const readers: readonly (readonly [name: string, read: (runDir: string) => unknown])[] = [
    [CONFIG_FILE, readConfig],
    [RESULT_FILE, readResult],
    [EPOCH_LOG, readEpochLog],
    [EPOCH_LOG, epochLogText],
  ];
  for (const [name, read] of readers) {
    writeFileSync(join(folder, name), readFileSync(join(folder, CONFIG_FILE)));
    const message = `${join(folder, name)} cannot be read: permission denied.`;
    await withoutRight(join(folder, name), async () => {
      assert.throws(() => read(folder), { name: "PefdError", exitCode: 2, message });
      const { findings } = await verifyRun(folder);
      const finding = findings.find(({ what }) => what === name);
      assert.deepEqual(finding, { what: name, verdict: "differs", detail: message });
    });
  }
});
