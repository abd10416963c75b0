import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ROOT } from "./paths.js";

/** Compares a text with a file below test/, which UPDATE_HELP=1 writes. */
export function assertPinned(name: string, text: string): void {
  const file = resolve(ROOT, "test", name);
  if (process.env.UPDATE_HELP === "1") {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${text}\n`);
  }
  assert.ok(existsSync(file), `${file} is missing: run the test again with UPDATE_HELP=1`);
  assert.equal(`${text}\n`, readFileSync(file, "utf8"));
}
