import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ignoredVariables } from "#pefd/config/environment.js";
import { ALL_SECTIONS } from "#pefd/config/options.js";
import { rowsOf } from "#pefd/config/resolve.js";
import { ROOT } from "../helpers/paths.js";

const ignored = (env: Record<string, string>) => ignoredVariables(rowsOf(ALL_SECTIONS), env);

test("a variable that is misspelt, or of a flag, is told to have no effect", () => {
  assert.deepEqual(ignored({ PEFD_EPOCH: "3" }), ["PEFD_EPOCH has no effect. Did you mean PEFD_EPOCHS?"]);
  assert.deepEqual(ignored({ PEFD_CASHE: "x" }), ["PEFD_CASHE has no effect. Did you mean PEFD_CACHE?"]);
  assert.deepEqual(ignored({ PEFD_RESUME: "true" }), [
    "PEFD_RESUME has no effect: --resume works only on the command line.",
  ]);
});

test("variables of pefd, of others, and empty ones are nobody's slip", () => {
  const env = { PEFD_EPOCHS: "3", PEFD_CACHE: "x", PEFD_RUNTIME: "cpu", PEFD_EPOCH: "" };
  assert.deepEqual(ignored({ ...env, PEFD_SOMETHING_ELSE: "1", EPOCH: "2", PEFD_REAL_DATA: "x" }), []);
});

test("the variables that CI sets for the tests are taken for no slip", () => {
  const text = readFileSync(join(ROOT, ".ci/peers.sh"), "utf8") + readFileSync(join(ROOT, ".ci/run"), "utf8");
  const names = text.match(/PEFD_[A-Z_]+/g) ?? [];
  assert.ok(names.length > 5);
  assert.deepEqual(ignored(Object.fromEntries([...names, "PEFD_SOAK", "PEFD_NODES"].map((name) => [name, "x"]))), []);
});
