import { cpSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const COPIED = ["dist", "dist-test", "bin", "configs", "templates", "scripts", "package.json"];
const LINKED = ["test", "node_modules", "src", "README.md", "docs", ".ci"];

/** A copy of the files that tests need, so that the checkout is not modified. */
export function makeCopy(root) {
  const copy = mkdtempSync(join(tmpdir(), "pefd-mutants-"));
  for (const name of COPIED) cpSync(join(root, name), join(copy, name), { recursive: true });
  for (const name of LINKED) symlinkSync(join(root, name), join(copy, name));
  return copy;
}
