import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

/** The files that a command loads, as Node.js counts them for coverage. */
async function loadedBy(args: readonly string[], folder: string): Promise<string[]> {
  const { exitCode, stderr } = await pefd(args, { env: { NODE_V8_COVERAGE: folder } });
  assert.equal(exitCode, 0, stderr);
  const [name = ""] = readdirSync(folder);
  const { result } = JSON.parse(readFileSync(join(folder, name), "utf8"));
  return (result as { url: string }[]).map(({ url }) => url).filter((url) => /^file:/.test(url));
}

for (const flag of ["--help", "--version"]) {
  test(`pefd ${flag} answers at once: it loads no command, no registry and few packages`, async (t) => {
    const loaded = await loadedBy([flag], temporaryFolder(t));
    const heavy = /tfjs|yargs|zod|echarts|\/cli\/commands\/|\/registry\.js/;
    const wrong = loaded.filter((url) => heavy.test(url) && !/common\/registry/.test(url));
    assert.deepEqual(wrong, []);
    assert.ok(loaded.length > 3 && loaded.length < 60, `${loaded.length} files`);
  });
}
