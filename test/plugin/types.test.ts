import assert from "node:assert/strict";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../helpers/paths.js";
import { runScript } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { written } from "./files.js";

const TYPED = `
import { defineMethod, definePlugin, integer, linear, tf } from "pefd/plugin";
import { checkMethodGradients } from "pefd/testing";

const mine = defineMethod({
  name: "mine",
  summary: "",
  paper: "2026",
  code: "none",
  formula: "",
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: { mine_width: integer(4, "Width.", { min: 1 }) },
  terms: ["vectors"],
  sees: ({ mine_width }) => {
    const width: number = mine_width;
    // @ts-expect-error: the method has no such option
    mine_width satisfies string;
    return width > 0 ? ["pooled"] : ["logits"];
  },
  // @ts-expect-error: a term that the row does not name
  build({ student }, { mine_width }, make) {
    const embed = linear(make, "embed", student.pooled, mine_width);
    return {
      terms: (at) => ({ other: tf.mean(embed(at.student.pooled)).asScalar() }),
    };
  },
});

const plugin = definePlugin({ methods: [mine] });
export default plugin;
export const done: Promise<void> = checkMethodGradients(plugin, "mine");
`;

test("pefd/plugin and pefd/testing have types, and a mistake in a row is told by them", async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/pefd"));
  written(folder, "mine.mts", TYPED);
  const strict = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--types", ""];
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const { exitCode, stdout } = await runScript(tsc, [...strict, "mine.mts"], { cwd: folder });
  assert.equal(exitCode, 0, stdout);
});
