import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { htmlPage } from "#pefd/report/page/htmlPage.js";
import { SERIES_TONES, TONES } from "#pefd/report/plots/theme.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { publishedFigure, writeRun } from "../fakeRuns.js";
import { countColors, decodePng } from "../plots/png.js";
import { findChromium, openTab } from "./browser.js";

const IDENTITY = {
  trainSha256: "0".repeat(64),
  testSha256: "1".repeat(64),
  engine: "graph",
  device: "cpu",
  numerics: 7,
};

async function makePage(t: TestContext): Promise<{ file: string; html: string }> {
  const dir = temporaryFolder(t);
  const kd = { distill: "kd", gamma: 0.1, beta: 0.9, note: '<img src="http://a.b/c">' };
  for (const trial of [1, 2, 3]) {
    await writeRun(dir, `ours_${trial}`, { trial, epochs: 40 });
    await writeRun(dir, `kd_${trial}`, { trial, epochs: 40, height: 60, config: kd });
  }
  await writeRun(dir, "kd_4", { trial: 4, epochs: 40, done: 12, config: kd });
  const found = collectRuns([dir]);
  const summaries = summarize(found.runs, ({ method }) =>
    method === "kd" ? publishedFigure(73.33, "RepDistiller") : undefined,
  );
  const html = htmlPage(summaries, found, new Date("2026-01-02T03:04:05Z"));
  const file = join(dir, "report.html");
  writeFileSync(file, html);
  return { file, html };
}

describe("the report's page", () => {
  it("is headed by its one pair, the number of its pairs, or teachers", async (t) => {
    const dir = temporaryFolder(t);
    const headingOf = () => {
      const found = collectRuns([dir]);
      return /<h1[^>]*>(.*)<\/h1>/.exec(htmlPage(summarize(found.runs), found, new Date(0)))?.[1];
    };
    const teacher = {
      kind: "teacher",
      model: "resnet32x4",
      model_s: undefined,
      distill: undefined,
    };
    await writeRun(dir, "teacher", { epochs: 3, config: teacher });
    assert.equal(headingOf(), "Teachers");
    await writeRun(dir, "one", { epochs: 3 });
    assert.equal(headingOf(), "Distillation resnet32x4 → resnet8x4");
    await writeRun(dir, "two", { epochs: 3, config: { model: "vgg8", model_s: "vgg8" } });
    assert.equal(headingOf(), "Distillation of 2 pairs");
  });

  it("holds table, plots, runs and configurations, and says what is unfinished", async (t) => {
    const { html } = await makePage(t);
    assert.match(html, /<h1[^>]*>Distillation resnet32x4 → resnet8x4<\/h1>/);
    assert.match(html, /2 experiments, 7 runs, 6 finished\. Made by pefd report on 2026-01-02 03:04 UTC\./);
    assert.match(html, /kd_4: unfinished, epoch 12 of 40/);
    assert.match(html, /73\.33 \*/);
    assert.equal(html.match(/<figure/g)?.length, 7);
    assert.match(html, /<th scope="row">trial<\/th><td>trial 1: 1; trial 2: 2; trial 3: 3/);
  });

  it("tells each setting once: neither the identity's copy of it, nor where a run was made", async (t) => {
    const dir = temporaryFolder(t);
    for (const beta of [1, 2]) {
      const identity = { ...IDENTITY, options: { beta } };
      const origin = { host: `h${beta}`, command: `pefd distill -b ${beta}` };
      await writeRun(dir, `b${beta}`, { epochs: 2, config: { beta, origin, identity } });
    }
    const found = collectRuns([dir]);
    const html = htmlPage(summarize(found.runs), found, new Date(0));
    const data = JSON.parse(/id="data">(.*?)<\/script>/.exec(html)?.[1] ?? "") as { runs: { settings: object }[] };
    assert.deepEqual(
      data.runs.map(({ settings }) => settings),
      [{ beta: "1" }, { beta: "2" }],
    );
    assert.match(html, /<th scope="row">origin\.host<\/th>/, "the configurations have it");
  });

  it("needs nothing from elsewhere, and lets no value of a configuration become HTML", async (t) => {
    const { html } = await makePage(t);
    assert.doesNotMatch(html, /<script[^>]* src|<link|<img|@import|\burl\((?!#)|src\s*=\s*["']?https?:/i);
    assert.match(html, /&lt;img src=&quot;http:\/\/a\.b\/c&quot;&gt;/);
    assert.match(html, /\\u003cimg src=/, "in the data of its scripts, too");
    assert.match(html, /content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-/);
  });
});

const chromium = findChromium();
const skip = chromium === undefined ? "no Chromium here (PEFD_CHROMIUM names one)" : false;

describe("in a browser", { skip }, () => {
  for (const scheme of ["light", "dark"] as const) {
    it(`it is not blank and wears the colours of ${scheme}`, async (t) => {
      const { file } = await makePage(t);
      const tab = await openTab(t, chromium ?? "");
      await tab.look({ width: 1200, height: 1600, scheme });
      await tab.open(pathToFileURL(file).href);
      const pixels = decodePng(await tab.screenshot());
      const counts = countColors(pixels);
      const total = pixels.width * pixels.height;
      const share = (color: string) => (counts.get(color) ?? 0) / total;
      assert.ok(share(TONES.surface[scheme]) > 0.5, "the ground is the scheme's");
      const other = scheme === "light" ? "dark" : "light";
      assert.equal(counts.get(TONES.surface[other]) ?? 0, 0, "nothing of the other scheme");
      assert.ok(counts.has(TONES.ink[scheme]), "text");
      for (const tone of SERIES_TONES.slice(0, 2)) {
        assert.ok((counts.get(tone[scheme]) ?? 0) > 500, `the curves in ${tone[scheme]}`);
      }
      assert.ok(!counts.has(SERIES_TONES[5]?.[scheme] ?? ""), "no colour of a third experiment");
      assert.deepEqual(tab.complaints, []);
    });
  }
});
