import assert from "node:assert/strict";
import { test } from "node:test";
import { latexTable } from "#pefd/report/latexTable.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { publishedFigure, writeRun } from "./fakeRuns.js";

test("a paper's table: booktabs, mean and deviation, the best bold, the second underlined, names escaped", async (t) => {
  const dir = temporaryFolder(t);
  for (const [distill, accuracies] of Object.entries({ ours: [76, 77], kd1proj: [70, 71], lskd_kd: [60, 61] })) {
    for (const [i, top1] of accuracies.entries()) {
      await writeRun(dir, `${distill}_${i}`, { trial: i + 1, top1: [top1], config: { distill } });
    }
  }
  const text = latexTable(summarize(collectRuns([dir]).runs, () => publishedFigure(75.5, "RepDistiller")));
  assert.match(text, /^\\begin{tabular}{lllrrr}\n\\toprule\n.*\\\\\n\\midrule\n/);
  assert.match(text, /resnet32x4 & resnet8x4 & ours & 2 & \$\\mathbf{76\.50} \\pm 0\.71\$ & 75\.50/);
  assert.match(text, /& kd1proj & 2 & \$\\underline{70\.50} \\pm 0\.71\$ &/);
  assert.match(text, /& lskd\\_kd & 2 & \$60\.50 \\pm 0\.71\$ &/);
  assert.match(text, /\\bottomrule\n\\end{tabular}\n\n{\\footnotesize Test top-1 in percent .* mean \$\\pm\$ standard/);
  const body = text.replace(/\\(textbackslash|textasciitilde|textasciicircum){}|\$[^$\n]*\$|\\[&%$#_{}]/g, "");
  assert.doesNotMatch(body, /[#_~^%]/, "nothing is left that LaTeX would read as a command");
});
