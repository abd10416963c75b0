import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { Method } from "#pefd/distill/method.js";
import { groupOf } from "#pefd/distill/published.js";
import { METHODS } from "#pefd/distill/registry.js";
import { ROOT } from "../helpers/paths.js";

const FOLDER = join(ROOT, "dist/distill/methods");

/** The methods that a folder's files export, those of the registry alone. */
async function methodsIn(group: string): Promise<Method[]> {
  const files = readdirSync(join(FOLDER, group)).filter((file) => file.endsWith(".js"));
  const paths = files.map((file) => pathToFileURL(join(FOLDER, group, file)).href);
  const modules: object[] = await Promise.all(paths.map((path) => import(path)));
  const exported = new Set<unknown>(modules.flatMap((module) => Object.values(module)));
  return METHODS.rows().filter((method) => exported.has(method));
}

test("every method's file lies in the folder of what its row says that it looks at", async () => {
  const groups = readdirSync(FOLDER);
  const lie = await Promise.all(
    groups.map(async (group) => (await methodsIn(group)).map(({ name }) => `${group}/${name}`)),
  );
  const said = METHODS.rows().map((method) => `${groupOf(method)}/${method.name}`);
  assert.deepEqual(lie.flat().sort(), said.sort());
});
