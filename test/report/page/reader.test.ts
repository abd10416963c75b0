import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import type { Finding } from "#pefd/analysis/analyze.js";
import { analysisPlot } from "#pefd/analysis/plot.js";
import { htmlPage } from "#pefd/report/page/htmlPage.js";
import { drawPlots } from "#pefd/report/plots/plots.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { experimentLabels } from "#pefd/report/runs/labels.js";
import { type Summary, summarize } from "#pefd/report/runs/summarize.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { writeRun } from "../fakeRuns.js";
import { CUT_WORDS } from "./boxes.js";
import { findChromium, openTab, type Tab } from "./browser.js";
import { writeManyPage, writeManyRuns } from "./manyRuns.js";

const chromium = findChromium();
const skip = chromium === undefined ? "no Chromium here (PEFD_CHROMIUM names one)" : false;

/** axe-core, which knows what keyboards and screen readers need. */
const axe = () => readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const violations = async (tab: Tab): Promise<string[]> => {
  await tab.evaluate(`${axe()};0`);
  return tab.evaluate(`axe.run().then(({ violations }) => violations.map(({ id, nodes }) =>
    id + ": " + nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)).join(" | ")))`);
};

/** The drawings of `pefd analyze --svg` for made up findings: by number of projectors, and by run. */
function analysisPlots(summaries: readonly Summary[]): string[] {
  const runs = summaries.flatMap((summary) => summary.runs);
  const setting = {
    teacherPath: "",
    teacherModel: "",
    dataset: "",
    data: "",
    limitTest: undefined,
  };
  const findings = runs.map((run, at): Finding => {
    const subject = { ...setting, checkpoint: "m_last.safetensors", model: run.model, run };
    const measures = { mda: 0.001 * at, norm_student: 12_345.6 * at, zeros_student: 1e-4 * at };
    return { subject, epoch: 60, projectors: 1 + (at % 4), n: 1, measures };
  });
  const without = findings.map((finding) => ({ ...finding, projectors: undefined }));
  return [findings, without].map(analysisPlot);
}

const text = (tab: Tab, selector: string) =>
  tab.evaluate<string>(`document.querySelector(${JSON.stringify(selector)}).textContent`);

describe("the page in a browser", { skip }, () => {
  it("has whole labels from a phone to 4K, and nothing that axe-core finds", async (t) => {
    const dir = temporaryFolder(t);
    const tab = await openTab(t, chromium ?? "");
    await tab.open(pathToFileURL(await writeManyPage(dir)).href);
    for (const width of [390, 1280, 2560]) {
      for (const scheme of ["light", "dark"] as const) {
        await tab.look({ width, scheme });
        await tab.evaluate("document.querySelectorAll('details').forEach((it) => { it.open = true })");
        assert.deepEqual(await tab.evaluate(CUT_WORDS), [], `${width} pixels, ${scheme}`);
        if (width === 2560) continue;
        assert.deepEqual(await violations(tab), [], `${width} pixels, ${scheme}`);
        if (process.env.PEFD_PICTURES === undefined) continue;
        const picture = join(process.env.PEFD_PICTURES, `${width}-${scheme}.png`);
        writeFileSync(picture, await tab.screenshot(true));
      }
    }
    assert.deepEqual(tab.complaints, []);
  });

  it("has whole labels in plots that are files of their own, too", async (t) => {
    const dir = temporaryFolder(t);
    await writeManyRuns(dir);
    const summaries = summarize(collectRuns([dir]).runs);
    const plots = drawPlots(summaries, experimentLabels(summaries), { legend: true });
    const drawn = [...plots.map(({ svg }) => svg), ...analysisPlots(summaries)];
    const file = join(dir, "plots.html");
    const figures = drawn.map((svg) => `<figure style="overflow:auto">${svg}</figure>`);
    writeFileSync(file, `<!doctype html><meta charset="utf-8">${figures.join("")}`);
    const tab = await openTab(t, chromium ?? "");
    await tab.look({ width: 1280 });
    await tab.open(pathToFileURL(file).href);
    assert.deepEqual(await tab.evaluate(CUT_WORDS), []);
  });

  it("is results and figures on paper, nothing cut off, nothing to type into", async (t) => {
    const tab = await openTab(t, chromium ?? "");
    await tab.open(pathToFileURL(await writeManyPage(temporaryFolder(t))).href);
    const shown = (selector: string) =>
      tab.evaluate<boolean>(`document.querySelector("${selector}").checkVisibility()`);
    assert.deepEqual([await shown(".tools"), await shown("#runs")], [true, true]);
    // A4 without its margins.
    await tab.look({ width: 703, media: "print" });
    for (const hidden of [".tools", "#contents", "#runs", "#configurations"]) assert.equal(await shown(hidden), false);
    assert.equal(await shown("#results-table td"), true);
    const cut = (await tab.evaluate<string[]>(CUT_WORDS)).filter((text) => !/pixels high/.test(text));
    assert.deepEqual(cut, []);
    const height = await tab.evaluate<number>("document.documentElement.scrollHeight");
    assert.ok(height < 3 * 1030, `${height} pixels: more than three pages`);
  });

  it("keeps 300 runs on one screen a table, with method, accuracy and rank in sight at any width", async (t) => {
    const dir = temporaryFolder(t);
    for (let run = 0; run < 300; run++) {
      const config = { distill: ["kd", "ours", "dkd"][run % 3], num_proj: 1 + (Math.floor(run / 3) % 20) };
      await writeRun(join(dir, "runs"), `r${run}`, { trial: 1 + Math.floor(run / 60), epochs: 3, config });
    }
    const found = collectRuns([join(dir, "runs")]);
    const file = join(dir, "big.html");
    writeFileSync(file, htmlPage(summarize(found.runs), found, new Date(0)));
    const tab = await openTab(t, chromium ?? "");
    for (const width of [390, 1280, 2560]) {
      await tab.look({ width });
      await tab.open(pathToFileURL(file).href);
      const told = await tab.evaluate<{ heights: number[]; right: number; wide: number }>(`(() => {
        const boxes = [...document.querySelectorAll(".scrolled")].filter((it) => it.checkVisibility());
        const heads = [...document.querySelectorAll("#results-table th")].slice(0, 3);
        return {
          heights: boxes.map((it) => it.getBoundingClientRect().height),
          right: Math.max(...heads.map((it) => it.getBoundingClientRect().right)),
          wide: document.documentElement.scrollWidth,
        };
      })()`);
      assert.ok(
        told.heights.every((height) => height <= 900),
        told.heights.join(),
      );
      assert.ok(told.right <= width && told.wide <= width, JSON.stringify(told));
      assert.deepEqual(await tab.evaluate(CUT_WORDS), []);
    }
    assert.deepEqual(await violations(tab), []);
  });

  it("gives tables and drawings away: text, CSV, SVG and PNG", async (t) => {
    const tab = await openTab(t, chromium ?? "");
    await tab.open(pathToFileURL(await writeManyPage(temporaryFolder(t))).href);
    await tab.evaluate(`(() => {
      window.saved = [];
      HTMLAnchorElement.prototype.click = function () { window.saved.push([this.download, this.href]); };
      const press = (root, text) => [...root.querySelectorAll(".tools button")].find((it) => it.textContent === text).click();
      press(document.querySelector("#results"), "CSV");
      press(document.querySelector("#curves"), "SVG");
      press(document.querySelector("#curves"), "PNG");
    })()`);
    for (let wait = 0; wait < 100; wait++) {
      if ((await tab.evaluate<number>("window.saved.length")) === 3) break;
      await tab.look({ width: 1280 });
    }
    const saved = Object.fromEntries(await tab.evaluate<[string, string][]>("window.saved"));
    const names = ["results-table.csv", "test_top_1_over_epochs.svg", "test_top_1_over_epochs.png"];
    assert.deepEqual(Object.keys(saved).sort(), [...names].sort());
    assert.match(
      decodeURIComponent(saved["results-table.csv"] ?? "")
        .split(",")
        .slice(1)
        .join(),
      /^Method,Last top-1,Rank,/,
    );
    assert.match(
      decodeURIComponent(saved["test_top_1_over_epochs.svg"] ?? ""),
      /^data:image\/svg\+xml;charset=utf-8,<svg /,
    );
    assert.match(saved["test_top_1_over_epochs.png"] ?? "", /^data:image\/png;base64,iVBOR/);
    assert.deepEqual(tab.complaints, []);
  });

  it("sorts and filters its tables", async (t) => {
    const tab = await openTab(t, chromium ?? "");
    await tab.open(pathToFileURL(await writeManyPage(temporaryFolder(t))).href);
    const column = (title: string) =>
      tab.evaluate<string[]>(
        `[...document.querySelectorAll("#runs-table tbody tr")].filter((row) => !row.hidden)
          .map((row) => row.querySelector('[data-label="${title}"]').textContent)`,
      );
    const click = (title: string) =>
      tab.evaluate(`[...document.querySelectorAll("#runs-table th")]
        .find((head) => head.textContent === "${title}").querySelector("button").click()`);
    const before = await column("Last top-1");
    await click("Last top-1");
    const sorted = await column("Last top-1");
    assert.deepEqual(
      sorted,
      [...before].sort((a, b) => Number(b) - Number(a)),
    );
    assert.notDeepEqual(sorted, before);
    assert.equal(await text(tab, "#runs-table th[aria-sort=descending]"), "Last top-1");
    await click("Last top-1");
    assert.deepEqual(await column("Last top-1"), [...sorted].reverse());
    await click("Last top-1");
    assert.deepEqual(await column("Last top-1"), before);
    await tab.evaluate(`(() => {
      const field = document.querySelector("#runs-table-filter");
      field.value = "KD 2";
      field.dispatchEvent(new Event("input"));
    })()`);
    const folders = await column("Folder");
    assert.ok(folders.length > 0 && folders.length < before.length, folders.join());
    assert.ok(folders.every((folder) => /kd/.test(folder)));
  });

  it("shows the picked runs alone in its plots, and side by side what they differ in", async (t) => {
    const tab = await openTab(t, chromium ?? "");
    await tab.open(pathToFileURL(await writeManyPage(temporaryFolder(t))).href);
    const strokes = () =>
      tab.evaluate<string[]>(
        `[...new Set([...document.querySelectorAll("#curves svg .e, #curves svg .r")]
          .filter((it) => getComputedStyle(it).display !== "none").map((it) => it.classList[1]))].sort()`,
      );
    const all = await strokes();
    const pick = (run: number) => tab.evaluate(`document.querySelector("#pick-run-${run}").click()`);
    await pick(0);
    await pick(1);
    assert.deepEqual(await strokes(), ["r0", "r1"]);
    const heads = await tab.evaluate<string[]>(
      `[...document.querySelectorAll("#comparison tbody th")].map((it) => it.textContent)`,
    );
    assert.ok(heads.includes("trial") && heads.includes("seed") && heads.includes("Last top-1"));
    assert.ok(!heads.includes("batch_size"), "what they share is left out");
    await tab.evaluate(`document.querySelector("#clear-picks").click()`);
    assert.deepEqual(await strokes(), all);
    await tab.evaluate(`document.querySelector("#pick-1").click()`);
    assert.ok((await strokes()).includes("e1"), "a whole experiment has its mean");
    assert.deepEqual(tab.complaints, []);
  });

  it("tells values of a plot to the pointer and to the keys", async (t) => {
    const tab = await openTab(t, chromium ?? "");
    await tab.look({ width: 1280 });
    await tab.open(pathToFileURL(await writeManyPage(temporaryFolder(t))).href);
    await tab.evaluate(`document.querySelector("#curves .drawing").focus()`);
    await tab.press("End");
    assert.match(await text(tab, ".tip"), /^epoch 60.*kd.*: \d\d\.\d+ ± [\d.]+/);
    await tab.press("ArrowLeft");
    assert.match(await text(tab, ".tip"), /^epoch 59/);
    await tab.press("Escape");
    assert.equal(await tab.evaluate(`document.querySelector(".tip").hidden`), true);
    const [x, y] = await tab.evaluate<[number, number]>(`(() => {
      const svg = document.querySelector("#outcome .drawing svg");
      svg.scrollIntoView({ block: "center" });
      const [x, y] = JSON.parse(document.querySelector("#outcome .drawing script").textContent).points[0];
      const box = svg.getBoundingClientRect();
      const scale = box.width / svg.viewBox.baseVal.width;
      return [box.left + x * scale, box.top + y * scale];
    })()`);
    await tab.point(x, y);
    assert.match(await text(tab, ".tip"), /trial 1, last epoch: \d\d\.\d\d/);
  });
});
