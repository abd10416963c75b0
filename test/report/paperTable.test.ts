import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { surveyModel } from "#pefd/models/survey.js";
import { latexTable, markdownTable } from "#pefd/report/paperTable.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { publishedFigure, writeRun } from "./fakeRuns.js";

/** Three methods and the student alone, two trials each. */
async function summaries(t: TestContext) {
  const dir = temporaryFolder(t);
  const alone = { kind: "teacher", model: "resnet8x4", model_s: undefined, distill: undefined };
  const made = { versions: { pefd: "1.2.3" }, origin: { commit: "0123456789" } };
  const figures = { ours: [76, 77], kd1proj: [75, 77], lskd_kd: [60, 61], "": [72, 73] };
  for (const [distill, accuracies] of Object.entries(figures)) {
    for (const [i, top1] of accuracies.entries()) {
      const config = { ...made, ...(distill === "" ? alone : { distill }) };
      await writeRun(dir, `${distill}_${i}`, { trial: i + 1, top1: [top1], config });
    }
  }
  const published = publishedFigure(75.5, "RepDistiller");
  return summarize(collectRuns([dir]).runs, ({ kind }) => (kind === "teacher" ? undefined : published));
}

test("a paper's table: booktabs, networks alone, gains, sizes, marks, names escaped, a footnote", async (t) => {
  const text = latexTable(await summaries(t), surveyModel);
  assert.match(text, /^\\begin{tabular}{lllrrrrrr}\n\\toprule\n.*\\\\\n\\midrule\n/);
  assert.match(text, /\n-- & resnet8x4 & alone & 1\.23 & 177\.07 & 2 & \$72\.50 \\pm 0\.71\$ & -- & --/);
  assert.match(
    text,
    /resnet32x4 & resnet8x4 & ours & \S+ & \S+ & 2 & \$\\mathbf{76\.50} \\pm 0\.71\$ & \+4\.00 & 75\.50/,
  );
  assert.match(text, /& kd1proj & .* & \$\\underline{76\.00} \\pm 1\.41\^{=}\$ & \+3\.50 &/);
  assert.match(text, /& lskd\\_kd & .* & \$60\.50 \\pm 0\.71\$ & -12\.00 &/);
  assert.match(
    text,
    /\\bottomrule\n\\end{tabular}\n\n{\\footnotesize Test top-1 in percent on cifar100 after the last of 1 epochs on all/,
  );
  assert.match(text, /pefd 1\.2\.3 \(01234567\)\. .*Holm's correction/);
  const body = text.replace(/\\(textbackslash|textasciitilde|textasciicircum){}|\$[^$\n]*\$|\\[&%$#_{}]/g, "");
  assert.doesNotMatch(body, /[#_~^%]/, "nothing is left that LaTeX would read as a command");
});

test("the same in markdown; without sizes of unknown models", async (t) => {
  const text = markdownTable(await summaries(t), () => undefined);
  assert.match(text, /^\| Teacher +\| Student +\| Method +\| +n \| +Top-1 \| +Gain \| +Published \|\n/);
  assert.match(text, /\| ours +\| +2 \| +\*\*76\.50\*\* ± 0\.71 \| +\+4\.00 \|/);
  assert.match(text, /\| kd1proj +\| +2 \| +<u>76\.00<\/u> ± 1\.41 = \|/);
  assert.match(text, /\n\nTest top-1 in percent on cifar100/);
});
