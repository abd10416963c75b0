import assert from "node:assert/strict";
import { mkdtempSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { publishedOf } from "#pefd/cli/published.js";
import { htmlPage } from "#pefd/report/page/htmlPage.js";
import { drawPlots } from "#pefd/report/plots/plots.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { experimentLabels } from "#pefd/report/runs/labels.js";
import type { RunRecord } from "#pefd/report/runs/runRecord.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { summaryCsvTable, summaryTable } from "#pefd/report/summaryTable.js";
import { renderCsv, renderMarkdown, renderText } from "#pefd/report/table.js";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { writeRun } from "../fakeRuns.js";
import { ODD, SPOILED } from "../strangers.js";

/** What a terminal would obey, and what XML does not allow. Line feeds are for lines. */
const CONTROL = /[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u;

/** A good run, and one below `bad` for each way to spoil one. */
async function makeTree(t: TestContext, ways: Readonly<Record<string, (dir: string) => void>>): Promise<string> {
  const cwd = temporaryFolder(t);
  await writeRun(join(cwd, "save"), "good", { top1: [70, 73], config: { distill: "kd" } });
  for (const [name, spoil] of Object.entries(ways)) {
    spoil(await writeRun(join(cwd, "save/bad"), name.replaceAll(" ", "_"), { top1: [1, 2] }));
  }
  return cwd;
}

describe("a tree of runs with bad ones", () => {
  it("is searched whole: each bad run is one line, the good one is found", async (t) => {
    const cwd = await makeTree(t, SPOILED);
    // What lies below a bad run is no less worth looking at.
    await writeRun(join(cwd, "save/bad/list"), "below", { top1: [3, 4] });
    const { runs, problems } = collectRuns([join(cwd, "save")]);
    assert.deepEqual(
      runs.map(({ dir }) => dir.slice(cwd.length + 6)),
      ["bad/list/below", "good"],
    );
    for (const name of Object.keys(SPOILED)) {
      const folder = join(cwd, "save/bad", name.replaceAll(" ", "_"));
      const lines = problems.filter((line) => line.includes(`${folder}/`));
      assert.equal(lines.length, 1, `${name}: ${lines.join("; ")}`);
      assert.doesNotMatch(lines.join(), /\n|undefined|RangeError|TypeError/);
      assert.ok(lines.join().length < folder.length + 400, lines.join());
    }
    assert.equal(problems.length, Object.keys(SPOILED).length);
  });

  it("is reported and watched by the command line, exit 0", async (t) => {
    const cwd = await makeTree(t, SPOILED);
    for (const command of ["report", "watch"]) {
      const { exitCode, stdout, stderr } = await pefd([command], { cwd });
      assert.equal(exitCode, 0, stderr);
      assert.match(stdout, /resnet8x4/);
      assert.equal(stderr.trim().split("\n").length, Object.keys(SPOILED).length);
      assert.doesNotMatch(stdout + stderr, CONTROL);
      assert.doesNotMatch(stdout + stderr, /defect of pefd|node:internal/);
    }
  });

  it("gives no bad run's values a way to a terminal, a page, a drawing, a spreadsheet", async (t) => {
    const cwd = await makeTree(t, ODD);
    const found = collectRuns([join(cwd, "save")]);
    assert.equal(found.problems.length, 0);
    assert.equal(found.runs.length, 1 + Object.keys(ODD).length);
    const summaries = summarize(found.runs, publishedOf);
    const labels = experimentLabels(summaries);
    const table = summaryTable(summaries);
    for (const text of [renderText(table), renderMarkdown(table)]) {
      assert.doesNotMatch(text, CONTROL);
      assert.equal(text.split("\n").length, 2 + summaries.length);
    }
    const csv = renderCsv(summaryCsvTable(summaries));
    assert.doesNotMatch(csv, CONTROL);
    // A quotation mark that is doubled stands inside a cell, and begins none.
    assert.doesNotMatch(csv, /(^|,|(?<!")")[=+\-@\t]\D/m);
    const [summary] = summaries;
    assert.ok(summary);
    const spoiled = {
      ...summary,
      settings: { ...summary.settings, dataset: "=cmd|' /C calc'!A1" },
    };
    assert.match(renderCsv(summaryCsvTable([spoiled])), /,'=cmd/);
    assert.doesNotMatch(htmlPage(summaries, found, new Date(0)), CONTROL);
    for (const { name, svg } of drawPlots(summaries, labels, { legend: true })) {
      assert.match(name, /^\w+$/);
      assert.doesNotMatch(svg, CONTROL);
    }
  });

  it("never reads or writes outside of the folders it was given", async (t) => {
    const cwd = await makeTree(t, {});
    const outside = mkdtempSync(join(cwd, "outside-"));
    const key = `../../${outside.slice(cwd.length + 1)}/x`;
    for (const value of [1, 2, 3]) {
      await writeRun(join(cwd, "save"), `odd_${value}`, { top1: [1], config: { [key]: value } });
    }
    const { exitCode, stderr } = await pefd(["report", "--svg", "plots"], { cwd });
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(readdirSync(outside), []);
    const plots = readdirSync(join(cwd, "plots"));
    assert.ok(
      plots.some((name) => /^ablation_\w+_1\.svg$/.test(name)),
      plots.join(),
    );
  });

  it("shows a folder whose name commands a terminal as what it is", async (t) => {
    const cwd = temporaryFolder(t);
    const name = "\u001b]0;x\u0007\n\u009b2Jrun";
    await writeRun(join(cwd, "save"), name, { top1: [70, 73], done: 1 });
    const { exitCode, stdout, stderr } = await pefd(["report"], { cwd });
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /^save\/\\x1b\]0;x\\x07\\n\\x9b2Jrun: unfinished, epoch 1 of 2\n$/);
    const json = await pefd(["watch", "--json"], { cwd });
    assert.doesNotMatch(json.stdout + stdout, CONTROL);
    assert.equal(JSON.parse(json.stdout).runs[0].runDir, join("save", name));
  });
});

it("figures are published for names of the tables only, and their data sets", () => {
  const figure = (told: object) =>
    publishedOf({
      kind: "distill",
      model: "resnet8x4",
      teacher: "resnet32x4",
      config: {},
      ...told,
    } as RunRecord)?.top1;
  assert.equal(figure({ method: "kd" }), 73.33);
  assert.equal(figure({ method: "lskd_kd" }), 76.62);
  assert.equal(figure({ method: "kd", config: { dataset: "imagefolder" } }), undefined);
  const imageNet = { teacher: "RESNET34", model: "RESNET18", method: "kd" };
  assert.equal(figure({ ...imageNet, config: { dataset: "imagenet" } }), 71.37);
  assert.equal(figure({ ...imageNet, config: { dataset: "folder" } }), undefined);
  assert.equal(figure({ ...imageNet, config: { dataset: "imagenet", image_size: 64 } }), undefined);
  assert.equal(figure({ ...imageNet, config: {} }), undefined);
  assert.equal(figure({ kind: "teacher", model: "resnet32x4" }), 79.42);
  for (const method of ["constructor", "__proto__", "toString", "", undefined]) {
    assert.equal(figure({ method }), undefined);
  }
  assert.equal(figure({ method: "kd", teacher: "../pairs/resnet32x4" }), undefined);
});
