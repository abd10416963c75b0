import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { logLevelFile, packageDirectory } from "#pefd/runtime/paths.js";
import { pefd } from "../helpers/pefd.js";

const compiled = existsSync(logLevelFile(packageDirectory() ?? ""));

/** TensorFlow makes no context, and says what it says of a GPU that another process has exclusively. */
const REFUSAL = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

void *TFE_NewContext(const void *options, void *status) {
  void (*set)(void *, int, const char *) = dlsym(RTLD_DEFAULT, "TF_SetStatus");
  void *library = set == NULL ? dlopen("libtensorflow.so", RTLD_NOLOAD | RTLD_LAZY) : NULL;
  if (library == NULL) library = dlopen("libtensorflow_cc.so.2", RTLD_NOLOAD | RTLD_LAZY);
  if (set == NULL) set = dlsym(library, "TF_SetStatus");
  set(status, 13, "cudaSetDevice() on GPU:0 failed. Status: all CUDA-capable devices are busy or unavailable");
  return NULL;
}
`;

// src/native/binding/overrides.h
describe("a GPU on which TensorFlow can make no context", { skip: !compiled && "only setup compiles it" }, () => {
  let env: Record<string, string>;

  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "pefd-test-"));
    const [source, library] = [join(folder, "refusal.c"), join(folder, "refusal.so")];
    writeFileSync(source, REFUSAL);
    const { status, stderr } = spawnSync("gcc", ["-shared", "-fPIC", "-o", library, source, "-ldl"], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    env = { LD_PRELOAD: library };
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it("is a sentence with what to type, and exit code 3", async () => {
    const { exitCode, stderr } = await pefd(["bench", "--what", "teacher", "--steps", "1"], { env });
    assert.match(stderr, /^error: The GPU is busy or unavailable.*\n.*nvidia-smi/m);
    assert.doesNotMatch(stderr, /defect of pefd/);
    assert.equal(exitCode, 3, stderr);
  });

  it("is what doctor says, with the same advice", async () => {
    const { exitCode, stdout, stderr } = await pefd(["doctor"], { env });
    assert.match(stdout + stderr, /no +TensorFlow.*busy or unavailable/);
    assert.match(stdout + stderr, /nvidia-smi/);
    assert.equal(exitCode, 3);
  });
});
