import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { PAIRS } from "#pefd/config/pairPresets.js";
import { ALONE, PUBLISHED_TABLES } from "#pefd/config/published/figures.js";
import { figureAlone, figuresOf } from "#pefd/config/published/lookup.js";
import { modelRow } from "#pefd/models/registry.js";

const pairs = readdirSync(PAIRS).map((file) => file.replace(/\.json$/, ""));

test("figures of a pair tell their source", () => {
  const figures = figuresOf("resnet32x4-resnet8x4");
  assert.deepEqual(figures.get("kd"), { top1: 73.33, source: "RepDistiller" });
  assert.deepEqual(figures.get("dkd"), { top1: 76.32, source: "mdistiller" });
  assert.deepEqual(figures.get("simkd"), { top1: 78.08, source: "SimKD" });
  assert.equal(figures.has("ours"), false);
  assert.equal(figuresOf("wrn_40_2-wrn_40_1").has("fsp"), false, "none was published");
  assert.deepEqual(figureAlone("resnet32x4"), { top1: 79.42, source: "RepDistiller" });
});

test("what is no pair or model of the tables has no figures", () => {
  for (const name of [
    "resnet8-resnet110",
    "",
    "constructor",
    "__proto__",
    "../resnet32x4-resnet8x4",
  ]) {
    assert.equal(figuresOf(name).size, 0, name);
    assert.equal(figureAlone(name), undefined, name);
  }
});

test("every pair with published figures is a preset, and every preset has some", () => {
  const published = new Set(PUBLISHED_TABLES.flatMap((table) => table.pairs));
  assert.deepEqual([...published].sort(), [...pairs].sort());
});

test("tables have a figure or nothing for each of their pairs, once, and figures are percentages", () => {
  const seen = new Set<string>();
  for (const table of PUBLISHED_TABLES) {
    for (const [name, figures] of Object.entries(table.top1)) {
      assert.equal(figures.length, table.pairs.length, name);
      figures.forEach((figure, at) => {
        if (figure === undefined) return;
        const key = `${name} ${table.pairs[at]}`;
        assert.ok(figure > 55 && figure < 80, `${key}: ${figure}`);
        assert.ok(!seen.has(key), `${key} stands twice`);
        seen.add(key);
      });
    }
  }
  for (const model of Object.keys(ALONE)) assert.equal(modelRow(model).name, model);
});
