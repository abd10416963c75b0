import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { ROOT } from "../helpers/paths.js";
import { runProgram } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const hasTaskset = spawnSync("taskset", ["--version"]).status === 0;

/** A processor that this process may use. */
const processor = (): string =>
  /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";

test("with as many threads asked for, one processor ends in the bytes that all of them end in", {
  skip: !hasTaskset && "there is no program taskset, which keeps a process to one processor",
}, async (t) => {
  const cwd = temporaryFolder(t);
  await CIFAR100.synthesize(`${cwd}/data`, { train: 40, test: 20, seed: 1 });
  const words = ["train-teacher", "--model", "resnet8", "--data", "data", "--epochs", "1"];
  const node = [process.execPath, resolve(ROOT, "bin/pefd.js"), ...words, "--batch_size", "16"];
  const weights = async (save: string, before: readonly string[]) => {
    const line = [...before, ...node, "--save_dir", save, "--json", "--quiet"];
    const env = { ...process.env, TF_NUM_INTRAOP_THREADS: "2" };
    const ended = await runProgram(line[0] as string, line.slice(1), { cwd, env });
    assert.equal(ended.exitCode, 0, ended.stderr);
    return JSON.parse(ended.stdout).weightsSha256;
  };
  const all = await weights("all", []);
  assert.match(all, /^[0-9a-f]{64}$/);
  assert.equal(await weights("one", ["taskset", "-c", processor()]), all);
});
