import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { withMany } from "../helpers/matrices.js";
import { ROOT } from "../helpers/paths.js";
import type { Ended } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { bareEnvironment } from "./bareEnvironment.js";
import { lendTensorFlow, packCheckout } from "./package.js";
import { registryProblem } from "./registry.js";

const skip = withMany || registryProblem();

const succeeded = (what: string, { exitCode, stdout, stderr }: Ended): string => {
  assert.equal(exitCode, 0, `${what}: ${stderr.slice(-2000)}`);
  return stdout;
};

/** Every file below a folder with its size and when it was written. */
const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => {
    const { size, mtimeMs } = lstatSync(join(folder, name));
    return `${name} ${size} ${mtimeMs}`;
  });

async function installed(t: TestContext, tarball: string, ...flags: readonly string[]) {
  const bare = bareEnvironment(temporaryFolder(t));
  const words = ["install", "--global", ...flags, tarball];
  succeeded("npm install", await bare.run("npm", ...words));
  return bare;
}

test("the tarball is installed and used like any program, and leaves nothing but the cache", {
  skip,
  timeout: 900_000,
}, async (t) => {
  const folder = temporaryFolder(t);
  const tarball = packCheckout(folder);
  const bare = await installed(t, tarball);
  const { run, home, prefix, elsewhere } = bare;
  const cache = join(home, ".cache/pefd");
  lendTensorFlow(cache);

  const missing = await run("pefd", "bench");
  assert.equal(missing.exitCode, 3);
  assert.match(missing.stderr, /TensorFlow is not installed yet: .*\n {2}Type: pefd setup\n/);

  const before = filesBelow(prefix);
  succeeded("pefd setup", await run("pefd", "setup"));
  assert.match(succeeded("again", await run("pefd", "setup")), /^pefd is already set up/);
  const data = ["--train", "200", "--test", "100", "--seed", "0"];
  succeeded("data", await run("pefd", "data", "synthesize", "--out", "data", ...data));
  const training = ["--model", "resnet8", "--epochs", "1", "--data", "data"];
  succeeded("a run", await run("pefd", "train-teacher", ...training));
  assert.deepEqual(readdirSync(elsewhere).sort(), ["data", "save"]);
  assert.deepEqual(filesBelow(prefix), before, "pefd writes into its own folder");

  succeeded("npm uninstall", await run("npm", "uninstall", "--global", "pefd"));
  assert.deepEqual(readdirSync(join(prefix, "lib/node_modules")), []);
  assert.equal(existsSync(join(prefix, "bin/pefd")), false);
  const own = readdirSync(home).filter((name) => name !== ".npm"); // npm's own cache
  assert.deepEqual([own, readdirSync(join(home, ".cache"))], [[".cache"], ["pefd"]]);

  await t.test("it starts with install scripts off, and by npx", async (inner) => {
    const without = await installed(inner, tarball, "--ignore-scripts");
    assert.match(succeeded("pefd", await without.run("pefd", "--version")), /^\d+\.\d+/);
    const npx = ["--yes", `--package=${tarball}`, "pefd", "bench"];
    const { exitCode, stderr } = await without.run("npx", ...npx);
    assert.equal(exitCode, 3, stderr);
    assert.match(stderr, /Type: npx pefd setup\n/);
  });
});

test("the tarball holds the program, its presets, sources and documents, and no tests", {
  skip,
  timeout: 300_000,
}, (t) => {
  const folder = temporaryFolder(t);
  const tarball = packCheckout(folder);
  const { stdout } = spawnSync("tar", ["tzf", tarball], { encoding: "utf8" });
  const files = stdout.split("\n").map((name) => name.replace("package/", ""));
  const needed = [
    "bin/pefd.js",
    "dist/cli/main.js",
    "configs/smoke.json",
    "docs/flags.md",
    "LICENSE",
    "src/native/kernels/kernels.cc",
    "vendor/tfjs-node-gpu/binding/tfjs_binding.cc",
    "vendor/tfjs-node-gpu/LICENSE",
    "README.md",
    "CHANGELOG.md",
    "dist/cli/main.d.ts",
    "src/report/track/bridge.py",
  ];
  assert.deepEqual(
    needed.filter((name) => !files.includes(name)),
    [],
  );
  const foreign = files.filter((name) =>
    /^(?:test|scripts|\.ci|dist-test)\/|_test\.js$|\.map$|^src\/(?!native|report\/track\/bridge\.py$)/.test(name),
  );
  assert.deepEqual(foreign, []);

  const [own, copy] = [ROOT, join(folder, "pefd")].map((root) => readFileSync(join(root, "package.json"), "utf8"));
  assert.equal(copy, own, "npm pack leaves package.json as it was");
  const packed = spawnSync("tar", ["xzOf", tarball, "package/package.json"], { encoding: "utf8" });
  const names = Object.keys(JSON.parse(packed.stdout).dependencies);
  assert.equal(names.includes("@tensorflow/tfjs-node-gpu"), false, "npm would run its install script");
  assert.equal(names.includes("google-protobuf"), true, "vendor/ loads it");
});
