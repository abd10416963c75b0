import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { dependencies, logLevelFile, packageDirectory } from "#pefd/runtime/paths.js";
import { ROOT } from "../helpers/paths.js";

const folder = packageDirectory() ?? "";
const OWN = { skip: !existsSync(logLevelFile(folder)) && "only setup's own way compiles it" };

test("the libraries ask for their log level by the name that src/native/log_level.cc answers to", OWN, () => {
  const source = readFileSync(join(ROOT, "src/native/log_level.cc"), "utf8");
  const [, symbol = ""] = /__asm__\("(\w+)"\)/.exec(source) ?? [];
  assert.match(symbol, /MinLogLevel/);
  const library = readFileSync(join(dependencies(folder), "lib/libtensorflow_framework.so.2"));
  const [name] = /_ZN4absl\w*11MinLogLevelEv/.exec(library.toString("latin1")) ?? [];
  assert.equal(symbol, name, `this build of TensorFlow calls it ${name}: put that name into src/native/log_level.cc`);
});

test("TF_CPP_MIN_LOG_LEVEL is heard from the first message on", OWN, () => {
  const load = `import { loadTensorFlow } from "${pathToFileURL(join(ROOT, "dist/runtime/tf.js"))}"; loadTensorFlow();`;
  const said = (level: string): string => {
    const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: level };
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", load], {
      encoding: "utf8",
      env,
    });
    assert.equal(child.status, 0, child.stderr);
    return child.stderr;
  };
  assert.match(said("0"), /oneDNN|CPU instructions/);
  assert.equal(said("2"), "");
});
