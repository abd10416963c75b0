import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

/** What a program of this folder prints. Without a lock some end with a signal, and some never. */
function printed(name: string): string {
  const program = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  const settings = { encoding: "utf8", timeout: 60_000 } as const;
  const { signal, status, stdout, stderr } = spawnSync(process.execPath, [program], settings);
  assert.deepEqual({ signal, status }, { signal: null, status: 0 }, stderr);
  return stdout;
}

test("ops with names that nobody has used before run alone, all others together", () => {
  const met = JSON.parse(printed("meetings"));
  assert.equal(met.new, 0);
  assert.ok(met.known > 10, `${met.known} of 170 calls met another`);
});

test("threads may call TensorFlow's ops at the same time, with new names all the time", () => {
  assert.equal(printed("manyNames"), "3000 ops");
});
