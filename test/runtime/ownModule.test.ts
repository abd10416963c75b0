import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { OwnModule } from "#pefd/runtime/ownModule.js";
import { ROOT } from "../helpers/paths.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

interface Loading {
  loadOwnModule(env: Readonly<Record<string, string | undefined>>): void;
  ownModule(): OwnModule;
}

/** The module as a copy of pefd loads it, beside a package in which these files of setup lie. */
async function copyWith(t: TestContext, ...files: string[]): Promise<Loading> {
  const folder = temporaryFolder(t);
  for (const part of ["common", "runtime"]) {
    cpSync(join(ROOT, "dist", part), join(folder, "dist", part), { recursive: true });
  }
  cpSync(join(ROOT, "node_modules/leven"), join(folder, "node_modules/leven"), { recursive: true });
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

test("without our module nothing computes, unless TensorFlow's kernels are asked for by name", async (t) => {
  const refused = {
    exitCode: 3,
    message: /own_ops\.node/,
    hint: /pefd setup.*PEFD_CONVOLUTIONS=tensorflow/s,
  };
  for (const files of [[], ["log_level.node"], ["log_level.node", "own_ops.node"]]) {
    const { loadOwnModule, ownModule } = await copyWith(t, ...files);
    assert.throws(() => loadOwnModule({}), refused);
    assert.throws(() => loadOwnModule({ PEFD_CONVOLUTIONS: "avx2" }), refused);
    loadOwnModule({ PEFD_CONVOLUTIONS: "tensorflow" });
    assert.equal(ownModule().instructions, undefined);
    assert.match(ownModule().problem ?? "", /own_ops\.node/);
  }
});
