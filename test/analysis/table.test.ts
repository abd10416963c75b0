import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding } from "#pefd/analysis/analyze.js";
import { MEASURES } from "#pefd/analysis/measures.js";
import { analysisTable } from "#pefd/analysis/present.js";
import { renderFitted } from "#pefd/report/fit.js";
import type { RunRecord } from "#pefd/report/runs/runRecord.js";
import { assertPinned } from "../helpers/pinned.js";

/** The last checkpoint of a run with so many projectors, with a value for every measure. */
function finding(projectors: number): Finding {
  const dir = `save/student_model/S:resnet8_T:resnet14_cifar100_ours_r:1_a:0_b:25_${projectors}`;
  const run = { dir, trial: 1, config: { num_proj: projectors } } as unknown as RunRecord;
  const subject = { checkpoint: `${dir}/resnet8_last.safetensors`, model: "resnet8", run };
  const measures = MEASURES.map(({ key }, i) => [key, 0.25 + i + projectors / 10]);
  return {
    subject,
    epoch: 240,
    projectors,
    n: 10_000,
    measures: Object.fromEntries(measures),
  } as unknown as Finding;
}

for (const width of [60, 80, 120, 200]) {
  test(`what analyze prints is as pinned at ${width} columns`, () => {
    const text = renderFitted(analysisTable([finding(1), finding(3)]), width);
    for (const line of text.split("\n")) {
      const isName = line.startsWith("Run "); // which is one word
      assert.ok([...line].length <= width || isName, line);
    }
    assertPinned(`analysis/pinned/analyze_${width}.txt`, text);
  });
}
