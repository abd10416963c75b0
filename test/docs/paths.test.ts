import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../helpers/paths.js";

/** Files in backquotes, with a folder: of `src` by their path below it, or by their path in the project. */
const NAMED = /`([\w.-]+(?:\/[\w.-]+)+\.(?:ts|js|h|cc|sh|md|py))`/g;

const isThere = (path: string): boolean => ["", "src", "test"].some((folder) => existsSync(join(ROOT, folder, path)));

for (const document of ["docs/architecture.md", "docs/kernels.md", "CONTRIBUTING.md"]) {
  test(`the files and folders that ${document} names are there`, () => {
    const text = readFileSync(join(ROOT, document), "utf8");
    const named = [...text.matchAll(NAMED)].map(([, path = ""]) => path);
    assert.ok(named.length > 0);
    assert.deepEqual(
      named.filter((path) => !isThere(path)),
      [],
    );
  });
}

test("every ADR tells when it was decided and how it stands", () => {
  const folder = join(ROOT, "docs/adr");
  for (const name of readdirSync(folder)) {
    const [title, , status] = readFileSync(join(folder, name), "utf8").split("\n");
    assert.match(title ?? "", new RegExp(`^# ${Number(name.slice(0, 4))}\\. `), name);
    assert.match(status ?? "", /^\d{4}-\d\d-\d\d, (accepted|superseded)/, name);
  }
});
