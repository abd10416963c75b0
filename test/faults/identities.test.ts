import assert from "node:assert/strict";
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { createRandom, type Random } from "#pefd/common/random.js";
import { type Identity, identityDifferences, identitySha256, leftOutDifference } from "#pefd/runFiles/identity.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { type CacheKey, cacheFolder } from "#pefd/train/teacherCache/open.js";
import { verifyRun } from "#pefd/verify/verify.js";
import { draws } from "../helpers/faults.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, silentHooks, smallData } from "../train/runs.js";

before(() => {
  loadTensorFlow();
});

type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };

/** Every leaf of a value, by the keys that lead to it. */
const leavesOf = (value: Json): string[][] =>
  typeof value !== "object"
    ? [[]]
    : Object.entries(value).flatMap(([key, below]) => leavesOf(below).map((path) => [key, ...path]));

/** A copy in which one leaf has another value of its kind. */
function mutated<T>(value: T, [key, ...path]: readonly string[], random: Random): T {
  if (key === undefined) {
    if (typeof value === "number") return (value + 1 + random.integer(9)) as T;
    if (typeof value === "boolean") return !value as T;
    const text = String(value);
    const at = random.integer(text.length);
    return (text.slice(0, at) + (text[at] === "0" ? "1" : "0") + text.slice(at + 1)) as T;
  }
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
  copy[key] = mutated(copy[key], path, random);
  return copy as T;
}

const IDENTITY: Identity = {
  trainSha256: "1".repeat(64),
  testSha256: "2".repeat(64),
  teacherSha256: "3".repeat(64),
  leftOutSha256: "4".repeat(64),
  pluginsSha256: "5".repeat(64),
  engine: "xla",
  device: "cpu",
  numerics: 7,
  kernels: "own-vnni",
  options: {
    seed: 10,
    distill: "ours+kd",
    beta: [25, 0.9],
    lr_decay_epochs: [150, 180],
    lskd: false,
  },
};

test("a run whose identity differs in anything is another run, and what differs is said", () => {
  const random = createRandom(1);
  const paths = leavesOf(IDENTITY as Json);
  for (let draw = 0; draw < draws(200, 20_000); draw++) {
    const path = paths[random.integer(paths.length)] as string[];
    const other = mutated(IDENTITY, path, random);
    const said = [...identityDifferences(IDENTITY, other), ...leftOutDifference(IDENTITY, other)];
    assert.equal(said.length, 1, `${path}: ${JSON.stringify(said)}`);
    if (path[0] !== "leftOutSha256") {
      assert.notEqual(identitySha256(IDENTITY), identitySha256(other), path.join("."));
    }
  }
});

const KEY: CacheKey = {
  model: "resnet8",
  weightsSha256: "a".repeat(64),
  imagesSha256: "b".repeat(64),
  images: {
    height: 32,
    width: 32,
    channels: 3,
    normalization: { mean: [0.5, 0.4, 0.3], deviation: [0.25, 0.2, 0.3] },
    augmentation: { kind: "shift", padding: 2 },
  },
  pluginsSha256: "c".repeat(64),
  engine: "graph",
  precision: "float32",
  batchSize: 8,
  device: "CPU",
  tensorflow: "2.21.0",
  kernels: "own",
  fingerprint: "d".repeat(64),
};

test("a teacher cache answers for nothing whose key differs in anything", async (t) => {
  const [root, random] = [temporaryFolder(t), createRandom(2)];
  const own = await cacheFolder(root, KEY);
  const paths = leavesOf(KEY as unknown as Json);
  for (const path of paths) {
    const other = await cacheFolder(root, mutated(KEY, path, random));
    assert.notEqual(other, own, path.join("."));
  }
});

test("a run with files of another run in it does not pass for itself", async (t) => {
  const [folder, random] = [temporaryFolder(t), createRandom(3)];
  await smallData(folder);
  await randomTeacher(folder);
  const options = distillOptions(folder, { save_freq: 1 });
  const { runDir: own } = await runDistill(options, silentHooks());
  const second = { ...options, trial: 2, save_dir: join(folder, "other") };
  const { runDir: other } = await runDistill(second, silentHooks());
  const names = readdirSync(own).filter((name) => /\.(?:json|csv|safetensors)$/.test(name));
  assert.ok(names.length >= 8);
  // Each alone, then some of them together; all of them together are the other run.
  const sets = names.map((name) => [name]);
  for (let draw = 0; draw < draws(10, 500); draw++) {
    const some = names.filter(() => random.integer(2) === 1);
    if (some.length > 0 && some.length < names.length) sets.push(some);
  }
  const copy = join(folder, "copy");
  for (const set of sets) {
    rmSync(copy, { recursive: true, force: true });
    cpSync(own, copy, { recursive: true });
    for (const name of set) copyFileSync(join(other, name), join(copy, name));
    const same = set.every((name) => readFileSync(join(own, name)).equals(readFileSync(join(other, name))));
    assert.equal((await verifyRun(copy)).ok, same, set.join(", "));
  }
});
