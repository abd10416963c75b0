import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { WORK_NAMES } from "#pefd/bench/types.js";
import { casesOf, manyCases, tellRest } from "../../helpers/matrices.js";
import { ROOT } from "../../helpers/paths.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { CARDS } from "./cards.js";
import { type CompiledStep, compileFor, noCompiler, recordPrograms } from "./compiler.js";

type Bound = Omit<CompiledStep, "card">;

/** What each program had on each card when it was last looked at: `UPDATE_AOT=1 PEFD_MATRICES=many` writes it. */
const FILE = join(ROOT, "test/gpu/aot/bounds.json");
const bounds = JSON.parse(readFileSync(FILE, "utf8")) as Record<string, Record<string, Bound>>;
const isUpdate = process.env.UPDATE_AOT === "1";

const PRECISIONS = [...new Set(CARDS.flatMap(({ precisions }) => precisions))].sort();
const PROGRAMS = WORK_NAMES.flatMap((work) => PRECISIONS.map((precision) => ({ work, precision })));

/** In a short run one program, for one card. */
const { cases, rest } = casesOf(PROGRAMS, 1);
const chosenCards = manyCases ? CARDS : CARDS.filter(({ name }) => name === "sm_90");

describe("programs compile for real cards, with no more kernels, bytes and spills than before", {
  skip: noCompiler(),
}, () => {
  const found: Record<string, Record<string, Bound>> = {};

  for (const { work, precision } of cases) {
    const title = `${work} ${precision}`;
    it(title, async (t) => {
      const folder = temporaryFolder(t);
      const cards = chosenCards.filter(({ precisions }) => precisions.includes(precision));
      const [module = ""] = await recordPrograms([[work, precision]], join(folder, "dump"));
      for (const { card, ...step } of await compileFor(cards, module, folder)) {
        t.diagnostic(`${card}: ${step.kernels} kernels, ${step.megabytes} MB, ${step.spilled} bytes spilled`);
        found[title] = { ...found[title], [card]: step };
        const bound = bounds[title]?.[card];
        for (const [what, value] of Object.entries(step)) {
          const most = bound?.[what as keyof Bound];
          assert.ok(
            isUpdate || value <= (most as number),
            `${title}, ${card}: ${what} ${value}, at most ${most} before`,
          );
        }
      }
    });
  }

  after(() => {
    if (isUpdate) writeFileSync(FILE, `${JSON.stringify({ ...bounds, ...found }, undefined, 2)}\n`);
  });

  tellRest(rest);
});
