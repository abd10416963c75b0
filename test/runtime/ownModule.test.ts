import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { OwnModule } from "#pefd/runtime/ownModule.js";
import { ROOT } from "../helpers/paths.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

interface Loading {
  loadOwnModule(): void;
  ownModule(): OwnModule;
}

/** The module as a copy of pefd loads it, beside a package in which these files of set-up lie. */
async function copyWith(t: TestContext, ...files: string[]): Promise<Loading> {
  const folder = temporaryFolder(t);
  for (const part of ["common", "runtime"]) {
    cpSync(join(ROOT, "dist", part), join(folder, "dist", part), { recursive: true });
  }
  const modules = join(folder, "node_modules/@tensorflow/tfjs-node-gpu");
  const written = ["package.json", ...files.map((file) => `lib/napi-v8/${file}`)];
  for (const path of written.map((file) => join(modules, file))) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "{}");
  }
  writeFileSync(join(folder, "package.json"), '{"type": "module"}');
  mkdirSync(join(folder, "scripts"));
  writeFileSync(join(folder, "scripts/setup.js"), ""); // a checkout: it keeps all that in the package's folder
  return import(pathToFileURL(join(folder, "dist/runtime/ownModule.js")).href);
}

test("a set-up of an earlier version, which called the module otherwise, is to be repeated", async (t) => {
  const { loadOwnModule } = await copyWith(t, "log_level.node", "convolutions.node");
  assert.throws(loadOwnModule, { exitCode: 3, message: /not compiled/, hint: /pefd setup/ });
});

test("where nothing of ours is compiled every op is TensorFlow's, and one that does not load says why", async (t) => {
  const none = await copyWith(t);
  none.loadOwnModule();
  assert.equal(none.ownModule().instructions, undefined);
  const broken = await copyWith(t, "log_level.node", "own_ops.node");
  broken.loadOwnModule();
  assert.match(broken.ownModule().problem ?? "", /own_ops\.node/);
});
