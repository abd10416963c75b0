import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../helpers/paths.js";

const text = readFileSync(join(ROOT, "docs/reliability.md"), "utf8");

test("every test that docs/reliability.md names is there", () => {
  const named = [...text.matchAll(/`([\w/]+\.test\.ts)`/g)].map(([, name]) => name as string);
  assert.ok(named.length > 40, `${named.length}`);
  assert.deepEqual(
    named.filter((name) => !existsSync(join(ROOT, "test", name))),
    [],
  );
});

test("every promise of docs/reliability.md names the test that shows it", () => {
  const rows = text.split("\n").filter((line) => /^\| (?!-|what )/.test(line));
  assert.ok(rows.length > 20, `${rows.length}`);
  const cells = (row: string) => row.split("|").map((cell) => cell.trim());
  assert.deepEqual(
    rows.filter((row) => !/\.test\.ts`/.test(cells(row).at(-2) ?? "")),
    [],
  );
});
