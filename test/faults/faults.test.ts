import assert from "node:assert/strict";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { createRandom } from "#pefd/common/random.js";
import type { DistillOptions } from "#pefd/config/options.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { LOCK_FILE, RESUME_FILE, type RunProgress, sealedText } from "#pefd/runFiles/stateFile.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { studentFolder } from "#pefd/train/files/runName.js";
import { verifyRun } from "#pefd/verify/verify.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, smallData } from "../train/runs.js";
import { faultShim, type How } from "./shim.js";
import { createWorkers, type Workers } from "./workers.js";

// Every system call by which a short run changes its folder is made to fail, or kills it. Whatever happens, the run ends
// in one sentence or not at all, leaves nothing that contradicts itself, and ends with the bytes of one that nobody
// disturbed once it is gone on with.

/** PEFD_FAULTS=all takes every call and every way; else a sample that takes a minute. */
const ALL = process.env.PEFD_FAULTS === "all";
const SAMPLE = 60;
const SAMPLED_KILLS = 4;

/** Ways in which one process can meet fault after fault; "gone" and a lock of nobody stand for SIGKILL. */
const SURVIVED: readonly How[] = ["gone", "short", "EINTR", "EIO", "ENOSPC", "ENOSPC+", "EPERM"];
const KILLS: readonly How[] = ["kill", "torn"];
/** Ways that only some calls can go: half of a write; a file system that knows no second names. */
const ONLY: Partial<Record<How, RegExp>> = { short: /write/, torn: /write/, EPERM: /^link$/ };

/** A run with a checkpoint and a best one in every epoch, from the start or from its first epoch on. */
interface Scene {
  readonly name: string;
  readonly epochs: number;
  /** Epochs that are there already. */
  readonly done: number;
}

const SCENES: readonly Scene[] = [
  { name: "a run of one epoch", epochs: 1, done: 0 },
  { name: "a second epoch", epochs: 2, done: 1 },
];

const shim = faultShim();
const faults = { skip: shim.missing };

let workers: Workers;
let folder: string;
/** Undisturbed runs by their epochs: where they lie, and what they have come to. */
const whole = new Map<number, { runDir: string; essence: unknown }>();

const optionsFor = (save: string, epochs: number, resume: boolean): DistillOptions =>
  distillOptions(folder, {
    save_dir: join(folder, save),
    epochs,
    resume,
    save_freq: 1,
    tb_freq: 1,
    deterministic: true,
    num_proj: 1,
    engine: "eager",
    batch_size: 10,
  });

const runDirOf = (save: string, epochs: number): string => studentFolder(optionsFor(save, epochs, false));

async function make(save: string, epochs: number, how: How, at: number, resume: boolean) {
  const options = optionsFor(save, epochs, resume);
  return workers.make({ options, fault: { folder: options.save_dir, at, how } });
}

/** What a run has come to, without the times that it took. */
async function essence(runDir: string): Promise<Record<string, unknown>> {
  const names = readdirSync(runDir).filter((name) => !name.startsWith("events."));
  const weights = names.filter((name) => name.endsWith(".safetensors") && name !== RESUME_FILE);
  const { state, metadata } = await readCheckpoint(join(runDir, RESUME_FILE));
  const { epoch, step, sums, steps, best, row } = metadata.progress as RunProgress;
  return {
    names: names.sort(),
    weights: weights.map((name) => readFileSync(join(runDir, name)).toString("base64")),
    state: [...state].map(([name, { data }]) => [name, Buffer.from(data).toString("base64")]),
    progress: { epoch, step, sums, steps, best, train: row?.train, test: row?.test },
    log: readEpochLog(runDir).map(({ seconds: _, stepMs: __, ...rest }) => rest),
  };
}

/** Prepares a scene's folder. */
function begin(save: string, { done }: Scene): void {
  rmSync(join(folder, save), { recursive: true, force: true });
  if (done > 0) cpSync(whole.get(done)?.runDir as string, runDirOf(save, done), { recursive: true });
}

/** Each run is a process's only one as people use it, so its process is no more; a lock that it left must tell so. */
function bury(runDir: string): void {
  const path = join(runDir, LOCK_FILE);
  if (!existsSync(path)) return;
  const { checksum: _, ...owner } = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, sealedText({ ...owner, started: "1" }));
}

/** Meets one fault, looks at what is there, goes on, and compares. */
async function meet(scene: Scene, how: How, at: number): Promise<void> {
  const [save, { epochs, done }] = ["faulty", scene];
  const where = `${scene.name}, ${how} at call ${at}`;
  begin(save, scene);
  const runDir = runDirOf(save, epochs);
  const ended = await make(save, epochs, how, at, done > 0);
  if (ended !== "killed") bury(runDir);
  if (ended !== "killed" && how !== "gone") {
    assert.equal(ended.defect, undefined, where);
    assert.ok(!/\n/.test(ended.sentence ?? ""), where);
  }
  if (existsSync(join(runDir, RESUME_FILE))) {
    const { findings } = await verifyRun(runDir);
    const wrong = findings.filter(({ verdict }) => verdict === "differs");
    assert.deepEqual(wrong, [], where);
  }
  const again = await make(save, epochs, "kill", 0, true);
  assert.ok(again !== "killed", where);
  assert.deepEqual([again.sentence, again.defect], [undefined, undefined], where);
  assert.deepEqual(await essence(runDir), whole.get(epochs)?.essence, where);
  assert.ok((await verifyRun(runDir)).ok, where);
}

/** How many system calls there were, and of which kinds. */
function countedByName(calls: readonly string[]): string {
  const names = [...new Set(calls)].sort();
  const kinds = names.map((name) => `${calls.filter((call) => call === name).length} ${name}`);
  return `${calls.length} calls (${kinds.join(", ")})`;
}

before(async () => {
  if (shim.missing) return;
  loadTensorFlow();
});

test("system calls of a run that fail or kill it", faults, async (t) => {
  folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  workers = createWorkers(shim.library, folder);
  t.after(() => workers.stop());
  const random = createRandom(Number(process.env.PEFD_FAULTS_SEED ?? 1), "faults");
  const points: [scene: Scene, how: How, at: number][] = [];
  const calls = new Map<string, string>();
  for (const scene of SCENES) {
    const save = `whole-${scene.epochs}`;
    begin(save, scene);
    const answer = await make(save, scene.epochs, "kill", 0, scene.done > 0);
    assert.ok(
      answer !== "killed" && answer.sentence === undefined && answer.defect === undefined,
      JSON.stringify(answer),
    );
    const runDir = runDirOf(save, scene.epochs);
    whole.set(scene.epochs, { runDir, essence: await essence(runDir) });
    calls.set(scene.name, countedByName(answer.calls));
    const ways = ALL ? [...SURVIVED.filter((how) => how !== "gone"), ...KILLS] : [...SURVIVED, ...KILLS];
    for (const how of ways) {
      for (const [index, name] of answer.calls.entries()) {
        if (ONLY[how]?.test(name) ?? true) points.push([scene, how, index + 1]);
      }
    }
  }
  const isKill = ([, how]: (typeof points)[number]) => KILLS.includes(how);
  const sample = (of: typeof points, n: number) => {
    const order = Int32Array.from(of.keys());
    random.shuffle(order);
    return Array.from(order.subarray(0, n)).map((index) => of[index] as (typeof points)[number]);
  };
  const chosen = ALL
    ? points
    : [
        ...sample(
          points.filter((point) => !isKill(point)),
          SAMPLE,
        ),
        ...sample(points.filter(isKill), SAMPLED_KILLS),
      ];
  const failures: string[] = [];
  for (const [scene, how, at] of chosen) {
    await meet(scene, how, at).catch((error: Error) => failures.push(error.message));
  }
  const told = SCENES.map(({ name }) => `${calls.get(name)} in ${name}`).join(", ");
  t.diagnostic(`${chosen.length} of ${points.length} faults met: ${told}`);
  assert.deepEqual(failures, []);
});

after(() => workers?.stop());
