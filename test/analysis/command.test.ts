import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext, test } from "node:test";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { float32Tensor, type StateDict } from "#pefd/common/stateDict.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { variablesOf } from "#pefd/learn/learner.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { stateDictOf } from "#pefd/train/files/stateFiles.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, silentHooks, smallData } from "../train/runs.js";

/** Penultimate features of resnet8. */
const SIZE = 64;
const RUN = "S:resnet8_T:resnet8_cifar100_ours";

/** A resnet8 as it is before training; another seed gives other weights. */
function initialState(seed: number): StateDict {
  loadTensorFlow();
  const model = buildModel("resnet8", 100, initialFill("resnet8", seed, "student"));
  const state = stateDictOf(model.state, 0);
  tf.dispose(variablesOf(model.state));
  return state;
}

const TEACHER = initialState(1);
const STUDENT = initialState(2);

/** Projectors that hand the features through. */
function identityProjectors(count: number) {
  const identity = Float32Array.from({ length: SIZE * SIZE }, (_, i) => (i % (SIZE + 1) === 0 ? 1 : 0));
  const each = Array.from({ length: count }, (_, i) => [
    [`projectors.${i}.weight`, float32Tensor(identity, [SIZE, SIZE])] as const,
    [`projectors.${i}.bias`, float32Tensor(new Float32Array(SIZE), [SIZE])] as const,
  ]);
  return new Map(each.flat());
}

/** A run with checkpoints of some epochs, as `pefd distill` leaves it. */
async function writeRun(cwd: string, folder: string, projectors: number): Promise<void> {
  const dir = join(cwd, "save", folder);
  mkdirSync(dir, { recursive: true });
  const config = { kind: "distill", model: "resnet8", distill: "ours", trial: 1, epochs: 2 };
  const teacher = { path_t: "teacher.safetensors", model_t: "resnet8" };
  const rest = { data: "data", num_proj: projectors, limit_test: 12 };
  writeFileSync(join(dir, "config.json"), JSON.stringify({ ...config, ...teacher, ...rest }));
  const files = [
    ["ckpt_epoch_1", 1],
    ["resnet8_best", 1],
    ["resnet8_last", 2],
  ] as const;
  for (const [file, epoch] of files) {
    const state = epoch === 1 ? STUDENT : TEACHER;
    await writeCheckpoint(join(dir, `${file}.safetensors`), state, { model: "resnet8", epoch });
    if (projectors === 0) continue;
    const beside = join(dir, `${file}_projectors.safetensors`);
    await writeCheckpoint(beside, identityProjectors(projectors), { epoch });
  }
}

async function makeScene(t: TestContext): Promise<string> {
  const cwd = temporaryFolder(t);
  await CIFAR100.synthesize(join(cwd, "data"), { train: 2, test: 24, seed: 1, classes: 4 });
  const metadata = { model: "resnet8" };
  await writeCheckpoint(join(cwd, "teacher.safetensors"), TEACHER, metadata);
  await writeCheckpoint(join(cwd, "student.safetensors"), STUDENT, metadata);
  return cwd;
}

const json = async (cwd: string, ...args: string[]) => {
  const { exitCode, stdout, stderr } = await pefd(["analyze", ...args, "--json"], { cwd });
  assert.equal(exitCode, 0, stderr);
  return JSON.parse(stdout).checkpoints;
};

describe("pefd analyze", () => {
  it("finds that a model is itself, and that another one is not", async (t) => {
    const cwd = await makeScene(t);
    const both = ["--checkpoint", "teacher.safetensors", "--checkpoint", "student.safetensors"];
    const rest = ["--path_t", "teacher.safetensors", "--data", "data"];
    const [same, other] = await json(cwd, ...both, ...rest);
    assert.equal(same.n, 24);
    assert.ok(Math.abs(same.mda - 1) < 1e-6 && Math.abs(same.cka - 1) < 1e-6);
    assert.equal(same.agreement, 100);
    assert.equal(same.top1_student, same.top1_teacher);
    assert.deepEqual([same.mda_projected, same.num_proj], [null, null]);
    assert.ok(other.mda > 0 && other.mda < 0.9999, String(other.mda));
    assert.ok(other.cka < 0.9999, String(other.cka));
    assert.notEqual(other.norm_student, other.norm_teacher);
  });

  it("measures the runs of methods that add anything, projectors or not", async (t) => {
    const cwd = await makeScene(t);
    await writeRun(cwd, RUN, 1);
    const regressor = new Map([["regressor.weight", float32Tensor(new Float32Array(6), [1, 6, 1, 1])]]);
    for (const added of [regressor, new Map([...identityProjectors(1), ...regressor])]) {
      for (const file of ["ckpt_epoch_1", "resnet8_best", "resnet8_last"]) {
        const beside = join(cwd, "save", RUN, `${file}_projectors.safetensors`);
        await writeCheckpoint(beside, added, { epoch: file === "resnet8_last" ? 2 : 1 });
      }
      const found = await json(cwd, "--run", join("save", RUN));
      assert.equal(found.length, 3);
      for (const { mda, mda_projected, num_proj } of found) {
        assert.ok(typeof mda === "number");
        assert.deepEqual([mda_projected, num_proj], [null, null]);
      }
    }
  });

  it("goes through the checkpoints of a run, with its teacher, images and projectors", async (t) => {
    const cwd = await makeScene(t);
    await writeRun(cwd, RUN, 2);
    const found = await json(cwd, "--run", join("save", RUN));
    const names = found.map(({ checkpoint }: { checkpoint: string }) => checkpoint.split("/").at(-1));
    const expected = ["ckpt_epoch_1", "resnet8_best", "resnet8_last"];
    assert.deepEqual(
      names,
      expected.map((name) => `${name}.safetensors`),
    );
    assert.deepEqual(
      found.map(({ epoch, n }: { epoch: number; n: number }) => [epoch, n]),
      [
        [1, 12],
        [1, 12],
        [2, 12],
      ],
    );
    for (const { mda, mda_projected } of found) assert.ok(Math.abs(mda - mda_projected) < 1e-9);
    assert.ok(found[0].mda < 0.9999 && found[2].mda > 0.999999);
  });

  it("puts several runs in order of their projectors, and writes table and plot", async (t) => {
    const cwd = await makeScene(t);
    await writeRun(cwd, "a", 10);
    await writeRun(cwd, "b", 2);
    await writeRun(cwd, "c", 0);
    const args = ["analyze", "--last", "--run", "save/a", "save/b", "save/c"];
    const files = ["--csv", "table.csv", "--svg", "plot.svg"];
    const { exitCode, stdout, stderr } = await pefd([...args, ...files], { cwd });
    assert.equal(exitCode, 0, stderr);
    const lines = stdout.split("\n").map((line) => line.split(/ {2,}/));
    assert.deepEqual(
      lines.slice(2, 5).map((cells) => cells[0]),
      ["c", "b", "a"],
    );
    const [titles = "", ...rows] = readFileSync(join(cwd, "table.csv"), "utf8").trim().split("\n");
    const column = titles.split(",").indexOf("num_proj");
    assert.deepEqual(
      rows.map((row) => row.split(",")[column]),
      ["0", "2", "10"],
    );
    const svg = readFileSync(join(cwd, "plot.svg"), "utf8");
    assert.match(svg, /^<svg [\s\S]*<\/svg>\n$/);
    for (const text of ["number of projectors", "Linear CKA", "Between-class cosine"]) {
      assert.ok(svg.includes(text), text);
    }
  });

  it("leaves out runs that cannot be analysed, a line for each, and shows the others", async (t) => {
    const cwd = await makeScene(t);
    for (const name of ["good", "teacherless", "unknown", "cut", "broken"]) {
      await writeRun(cwd, name, 0);
    }
    const path = (name: string, file: string) => join(cwd, "save", name, file);
    const change = (name: string, changed: object) => {
      const config = JSON.parse(readFileSync(path(name, "config.json"), "utf8"));
      writeFileSync(path(name, "config.json"), JSON.stringify({ ...config, ...changed }));
    };
    change("teacherless", { path_t: "gone.safetensors" });
    change("unknown", { model: "constructor" });
    change("cut", { trial: 2 });
    renameSync(path("unknown", "resnet8_last.safetensors"), path("unknown", "constructor_last.safetensors"));
    writeFileSync(path("cut", "resnet8_last.safetensors"), "cut");
    writeFileSync(path("broken", "config.json"), "{");
    writeFileSync(path("broken", "epochs.csv"), "");
    const { exitCode, stdout, stderr } = await pefd(["analyze", "--last", "save", "--json"], {
      cwd,
    });
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(
      JSON.parse(stdout).checkpoints.map(({ run }: { run: string }) => run),
      ["save/good"],
    );
    for (const line of [
      /^warning: No such file: gone\.safetensors, the teacher of the run save\/teacherless/m,
      /^warning: skipping save\/unknown: unknown model constructor\.$/m,
      /^warning: skipping save\/cut: save\/cut\/resnet8_last\.safetensors \(3 bytes\) cannot be read/m,
      /^warning: save\/broken\/config\.json is corrupt/m,
    ]) {
      assert.match(stderr, line);
    }
    const none = await pefd(["analyze", "--last", "save/cut", "--json"], { cwd });
    assert.deepEqual([none.exitCode, none.stdout], [2, ""]);
    assert.match(none.stderr, /resnet8_last\.safetensors \(3 bytes\) cannot be read/);
  });

  it("says what is missing, and writes nothing then", async (t) => {
    const cwd = temporaryFolder(t);
    const cases: [args: string[], words: RegExp][] = [
      [[], /No student given[\s\S]*--checkpoint[\s\S]*--run/],
      [["--checkpoint", "x.safetensors"], /needs its teacher[\s\S]*--path_t/],
      [["--run", "nowhere"], /No such folder: nowhere/],
      [["--checkpoint", "x", "--run", "y"], /either --checkpoint or --run/],
    ];
    for (const [args, words] of cases) {
      const { exitCode, stdout, stderr } = await pefd(["analyze", ...args], { cwd });
      assert.deepEqual([exitCode, stdout], [2, ""], args.join(" "));
      assert.match(stderr, words);
    }
  });

  it("names a run's teacher that is not there", async (t) => {
    const cwd = temporaryFolder(t);
    await writeRun(cwd, RUN, 1);
    const { exitCode, stderr } = await pefd(["analyze", "--run", "save"], { cwd });
    assert.equal(exitCode, 2);
    assert.match(stderr, /No such file: teacher\.safetensors, the teacher of the run save\//);
  });
});

test("a run is analyzed only with its own weights, teacher and data", async (t) => {
  const folder = temporaryFolder(t);
  const data = await smallData(folder);
  const teacher = await randomTeacher(folder);
  const run = async (trial: number) => {
    const options = distillOptions(folder, { trial, epochs: 1, save_freq: 1 });
    return (await runDistill(options, silentHooks())).runDir;
  };
  const [runDir, other] = [await run(1), await run(2)];
  const analyze = (...more: string[]) => pefd(["analyze", "--json", runDir, ...more]);
  const leftOut = async (told: RegExp, ...more: string[]) => {
    const { exitCode, stdout, stderr } = await analyze(...more);
    assert.match(stderr, told);
    assert.deepEqual([exitCode, stdout], [2, ""]);
  };
  assert.equal((await analyze()).exitCode, 0);

  for (const name of ["resnet8_best", "resnet8_last_projectors"]) {
    const file = `${name}.safetensors`;
    const kept = readFileSync(join(runDir, file));
    cpSync(join(other, file), join(runDir, file));
    const { stdout, stderr } = await analyze();
    assert.match(stderr, new RegExp(`skipping .*${file} (?:is of|belongs to) another run than`));
    assert.equal(JSON.parse(stdout).checkpoints.length, 2);
    writeFileSync(join(runDir, file), kept);
  }

  await randomTeacher(folder, 100, 4);
  await leftOut(/skipping \S+: teacher's weights: .* has sha256 .*; the run was made with/);
  assert.equal((await analyze("--path_t", teacher, "--model_t", "resnet8")).exitCode, 0);
  await randomTeacher(folder);
  const config = readFileSync(join(runDir, "config.json"), "utf8");
  writeFileSync(join(runDir, "config.json"), config.replace('"num_proj": 3', '"num_proj": 4'));
  await leftOut(/config\.json is corrupt: it does not match its checksum/);
  writeFileSync(join(runDir, "config.json"), config);
  await CIFAR100.synthesize(data, { train: 20, test: 10, seed: 8, classes: 5, force: true });
  await leftOut(/skipping \S+: training data: .* has sha256/);
  assert.equal((await analyze("--data", data)).exitCode, 0, "images that are named are others");
});
