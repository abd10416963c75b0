import assert from "node:assert/strict";
import { test } from "node:test";
import { procedures } from "#pefd/distill/registry.js";
import { addedBy } from "#pefd/learn/methodSurvey.js";
import { assertPinned } from "../../helpers/pinned.js";
import { STUDENTS } from "./students.js";

/** The pairs of families that a method refuses, by its sentence. */
function refusals({ method, set }: ReturnType<typeof procedures>[number]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const teacher of STUDENTS) {
    for (const student of STUDENTS) {
      const added = addedBy(method, { init_epochs: 1, ...set }, { teacher, student });
      if (typeof added !== "string") continue;
      found.set(added, [...(found.get(added) ?? []), `${teacher} -> ${student}`]);
    }
  }
  return found;
}

/** Said of methods that no model with a class token can learn by. */
const NO_AVERAGE = /a model with a class token has none/;

test("which methods refuse which families is as pinned; resnet8 or one of its own family teaches every other student", () => {
  const lines = procedures().flatMap((procedure) => {
    const found = [...refusals(procedure)];
    const refused = new Set(found.flatMap(([, pairs]) => pairs));
    const unfit = found.flatMap(([sentence, pairs]) => (NO_AVERAGE.test(sentence) ? pairs : []));
    for (const name of STUDENTS) {
      if (STUDENTS.every((teacher) => unfit.includes(`${teacher} -> ${name}`))) continue;
      const teachers = ["resnet8", name].filter((one) => !refused.has(`${one} -> ${name}`));
      assert.ok(teachers.length > 0, `${procedure.name} teaches no ${name}`);
    }
    return found.flatMap(([sentence, pairs]) => [
      `${procedure.name}: ${sentence}`,
      ...pairs.map((pair) => `  ${pair}`),
    ]);
  });
  assertPinned("distill/families/refused.txt", lines.join("\n"));
});
