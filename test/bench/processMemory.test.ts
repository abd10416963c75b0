import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { processMemoryMb } from "#pefd/cli/commands/bench.js";
import { ROOT } from "../helpers/paths.js";

const MODULE = pathToFileURL(`${ROOT}/dist/cli/commands/bench.js`);
const TELL = `import("${MODULE}").then(({ processMemoryMb }) => console.log(processMemoryMb()))`;

test("the most memory of a process is its own, not that of a larger one that started it", () => {
  const megabytes = 400;
  const held = Buffer.alloc(megabytes << 20, 1);
  assert.ok(processMemoryMb() > megabytes);
  const child = Number(execFileSync(process.execPath, ["-e", TELL], { encoding: "utf8" }));
  assert.ok(child > 10 && child < megabytes, `${child} MB`);
  assert.equal(held.at(-1), 1);
});
