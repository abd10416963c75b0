import assert from "node:assert/strict";
import { cpSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { writeSealedCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { sealedText } from "#pefd/runFiles/stateFile.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import type { Verdict } from "#pefd/verify/inputs.js";
import { runFolders, verifyRun } from "#pefd/verify/verify.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, silentHooks, smallData } from "../train/runs.js";
import { snapshot } from "../train/snapshot.js";

before(() => {
  loadTensorFlow();
});

/** What was found of one kind, each with what is said. */
async function found(runDir: string, wanted: Verdict): Promise<Record<string, string>> {
  const { findings } = await verifyRun(runDir);
  const of = findings.filter(({ verdict }) => verdict === wanted);
  return Object.fromEntries(of.map(({ what, detail }) => [what, detail]));
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  const place = at < 0 ? bytes.length + at : at;
  bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
  writeFileSync(path, bytes);
}

/** Changes a state file's content and gives it a checksum that fits. */
function change(path: string, more: object): void {
  const { checksum: _, ...content } = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, sealedText({ ...content, ...more }));
}

const DAMAGE: readonly [what: string, damage: (runDir: string) => void | Promise<void>, told: RegExp][] = [
  ["config.json", (dir) => rmSync(join(dir, "config.json")), /it is missing/],
  ["config.json", (dir) => flip(join(dir, "config.json"), 20), /checksum|JSON|wrong value/],
  ["resume.safetensors", (dir) => flip(join(dir, "resume.safetensors"), -9), /does not match its checksum/],
  ["resnet8_last.safetensors", (dir) => flip(join(dir, "resnet8_last.safetensors"), -9), /checksum/],
  [
    ...(["resnet8_best_projectors.safetensors"] as const),
    (dir) => flip(join(dir, "resnet8_best_projectors.safetensors"), -9),
    /checksum/,
  ],
  [
    "resnet8_best.safetensors",
    async (dir) => {
      const path = join(dir, "resnet8_best.safetensors");
      const { state, metadata } = await readCheckpoint(path);
      await writeSealedCheckpoint(path, state, { ...metadata, epoch: 7 });
    },
    /it is from epoch 7, not epoch [12]$/,
  ],
  ["resnet8_last.safetensors", (dir) => rmSync(join(dir, "resnet8_last.safetensors")), /it is missing/],
  ["resnet8_best.safetensors", (dir) => rmSync(join(dir, "resnet8_best.safetensors")), /it is missing/],
  [
    ...(["ckpt_epoch_1.safetensors"] as const),
    (dir) => cpSync(join(dir, "ckpt_epoch_2.safetensors"), join(dir, "ckpt_epoch_1.safetensors")),
    /it is from epoch 2, not epoch [12]$/,
  ],
  ["epochs.csv", (dir) => flip(join(dir, "epochs.csv"), -3), /it is not as the run left it/],
  ["result.json", (dir) => flip(join(dir, "result.json"), 30), /checksum|JSON|wrong value/],
  [
    ...(["result.json"] as const),
    (dir) => change(join(dir, "result.json"), { weightsSha256: "0".repeat(64) }),
    /its sha256 00000000\.\.\. does not match the last weights/,
  ],
  [
    ...(["options"] as const),
    (dir) => change(join(dir, "config.json"), { batch_size: 9 }),
    /config\.json contradicts itself about batch_size/,
  ],
];

test("a run is held against what it wrote down", async (t) => {
  const folder = temporaryFolder(t);
  const data = await smallData(folder);
  const teacher = await randomTeacher(folder);
  const options = distillOptions(folder, { save_freq: 1 });
  const { runDir: made } = await runDistill(options, silentHooks());
  const copy = () => {
    const runDir = join(folder, "copy");
    rmSync(runDir, { recursive: true, force: true });
    cpSync(made, runDir, { recursive: true });
    return runDir;
  };

  await t.test("a whole one fits in everything, and is left as it is", async () => {
    const kept = snapshot(made);
    const { ok, findings } = await verifyRun(made);
    assert.ok(ok);
    assert.deepEqual(
      findings.filter(({ verdict }) => verdict !== "fits"),
      [],
    );
    const weights = ["ckpt_epoch_1", "ckpt_epoch_2", "resnet8_best", "resnet8_last"];
    assert.deepEqual(
      findings.map(({ what }) => what),
      [
        "config.json",
        "resume.safetensors",
        "epochs.csv",
        ...weights.flatMap((name) => [`${name}.safetensors`, `${name}_projectors.safetensors`]).sort(),
        "result.json",
        "training data",
        "test data",
        "teacher's weights",
        "options",
        "numerics",
      ],
    );
    assert.deepEqual(snapshot(made), kept);
  });

  for (const [what, damage, told] of DAMAGE) {
    await t.test(`what does not fit is told: ${what}, ${told.source}`, async () => {
      const runDir = copy();
      await damage(runDir);
      const differing = await found(runDir, "differs");
      assert.match(differing[what] ?? "", told);
      assert.equal((await verifyRun(runDir)).ok, false);
    });
  }

  await t.test("files of another run are seen, whatever their epoch", async () => {
    const second = { ...options, trial: 2, save_dir: join(folder, "other") };
    const { runDir: other } = await runDistill(second, silentHooks());
    for (const name of ["ckpt_epoch_2", "ckpt_epoch_2_projectors", "resnet8_last_projectors"]) {
      const runDir = copy();
      const file = `${name}.safetensors`;
      cpSync(join(other, file), join(runDir, file));
      assert.deepEqual(await found(runDir, "differs"), { [file]: "it belongs to another run" });
      rmSync(join(runDir, "config.json"));
      const { [file]: told } = await found(runDir, "differs");
      assert.equal(told, "it belongs to another run", "resume.safetensors tells the run as well");
    }
  });

  await t.test("weights of an earlier version do not pass for those of the run", async () => {
    const runDir = copy();
    const path = join(runDir, "ckpt_epoch_1.safetensors");
    const { state, metadata } = await readCheckpoint(path);
    const { identitySha256: _, ...others } = metadata;
    await writeSealedCheckpoint(path, state, others);
    const { "ckpt_epoch_1.safetensors": told } = await found(runDir, "unknown");
    assert.match(told ?? "", /^epoch 1; which run is not recorded \(earlier version\)/);
    assert.ok((await verifyRun(runDir)).ok);
  });

  await t.test("a damaged config.json hides no weights, and invents none", async () => {
    const runDir = copy();
    flip(join(runDir, "config.json"), 20);
    const { findings } = await verifyRun(runDir);
    assert.doesNotMatch(JSON.stringify(findings), /undefined/);
    const bad = findings.filter(({ verdict }) => verdict === "differs").map(({ what }) => what);
    assert.deepEqual(bad, ["config.json"]);
    for (const name of ["best", "last"]) rmSync(join(runDir, `resnet8_${name}.safetensors`));
    const { findings: without } = await verifyRun(runDir);
    assert.doesNotMatch(JSON.stringify(without), /undefined/);
    assert.ok(without.some(({ what, detail }) => /best/.test(what) && /missing/.test(detail)));
  });

  await t.test("what a kill left out is no damage", async () => {
    const runDir = copy();
    const log = join(runDir, "epochs.csv");
    const lines = readFileSync(log, "utf8").trimEnd().split("\n");
    writeFileSync(log, `${lines.slice(0, -1).join("\n")}\n`);
    assert.match((await found(runDir, "unknown"))["epochs.csv"] ?? "", /--resume repairs it/);
    assert.ok((await verifyRun(runDir)).ok);
  });

  await t.test("other inputs in the place of those used are seen, missing ones are told", async () => {
    await CIFAR100.synthesize(data, { train: 20, test: 10, seed: 8, classes: 5, force: true });
    writeFileSync(teacher, readFileSync(await randomTeacher(join(folder, "save"), 100, 4)));
    const differing = await found(made, "differs");
    assert.deepEqual(Object.keys(differing), ["training data", "test data", "teacher's weights"]);
    assert.match(differing["training data"] ?? "", /has sha256 [0-9a-f]{8}\.\.\.; the run was made with/);
    renameSync(data, `${data}-elsewhere`);
    rmSync(teacher);
    assert.deepEqual(Object.keys(await found(made, "unknown")), ["training data", "teacher's weights"]);
    assert.ok((await verifyRun(made)).ok);
  });

  await t.test("folders without a run are refused", () => {
    assert.throws(() => runFolders([join(folder, "none")]), { exitCode: 2 });
  });
});
