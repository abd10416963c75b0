import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { ROOT } from "../helpers/paths.js";

/** Runs the program in a process that afterwards lists the CommonJS modules it loaded. */
const script = (argv: readonly string[]): string => `
  import { createRequire } from "node:module";
  import { main } from ${JSON.stringify(pathToFileURL(resolve(ROOT, "dist/cli/main.js")).href)};
  const exitCode = await main(${JSON.stringify(argv)});
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  console.error(JSON.stringify({ exitCode, native: loaded.filter((file) => file.includes("tfjs")) }));
`;

for (const typed of ["--help", "distill --help", "models", "config list", "distill --dry_run"]) {
  test(`pefd ${typed} does without the native library`, async () => {
    const source = script(typed.split(" "));
    const { stderr } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", source]);
    assert.deepEqual(JSON.parse(stderr), { exitCode: 0, native: [] });
  });
}
