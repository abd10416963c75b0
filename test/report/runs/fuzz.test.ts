import assert from "node:assert/strict";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { publishedOf } from "#pefd/cli/published.js";
import { createRandom } from "#pefd/common/random.js";
import { renderWatch } from "#pefd/report/live/watch.js";
import { htmlPage } from "#pefd/report/page/htmlPage.js";
import { reportDocument } from "#pefd/report/reportDocument.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { summaryCsvTable, summaryTable, unfinishedNotes } from "#pefd/report/summaryTable.js";
import { renderCsv, renderMarkdown, renderText } from "#pefd/report/table.js";
import { isComplete } from "#pefd/sweep/state.js";
import { draws } from "../../helpers/faults.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { fakeResult } from "../../sweep/results.js";
import { writeRun } from "../fakeRuns.js";
import { mutateRun } from "./mutateRun.js";

const FOLDERS = draws(250, 5000);
const MILLISECONDS = 1000;
const BYTES = 100 * 2 ** 20;
/** A page with its plots takes long, so that only some get one. */
const PAGE_EVERY = 100;

const CONTROL = /[^\P{Cc}\n]|[\u202a-\u202e\u2066-\u2069]/u;

const milliseconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const bytesHeld = (): number => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** All that reports, watches and sweeps make of the folders; the texts that people see. */
function everything(dir: string, withPage: boolean): string[] {
  const found = collectRuns([dir]);
  assert.ok(found.runs.length + found.problems.length <= 2);
  assert.ok(
    found.runs.some((run) => run.dir.endsWith("good")),
    "the good run is there",
  );
  const summaries = summarize(found.runs, publishedOf);
  for (const { dir: runDir, epochs } of found.runs) isComplete({ runDir, options: { epochs } } as never);
  JSON.stringify(reportDocument(summaries, found));
  const pages = withPage ? [htmlPage(summaries, found, new Date(0))] : [];
  const texts = [renderText, renderMarkdown].map((render) => render(summaryTable(summaries)));
  return [
    ...texts,
    ...found.problems,
    ...unfinishedNotes(found.runs),
    ...pages,
    renderCsv(summaryCsvTable(summaries)),
    renderWatch(found.runs, Date.now(), 80),
  ];
}

test(`${FOLDERS} mutated run folders: the good run beside each is shown, nothing else happens`, async (t) => {
  const dir = temporaryFolder(t);
  const seed = await writeRun(dir, "seed", { top1: [50, 60, 70], config: { distill: "kd" } });
  writeFileSync(...fakeResult(seed, 3));
  const tree = join(dir, "tree");
  mkdirSync(tree);
  cpSync(seed, join(tree, "good"), { recursive: true });
  const random = createRandom(1, "run folders");
  let shown = 0;
  for (let i = 0; i < FOLDERS; i++) {
    const bad = join(tree, "bad");
    rmSync(bad, { recursive: true, force: true });
    cpSync(seed, bad, { recursive: true });
    mutateRun(bad, random);
    const [start, before] = [milliseconds(), bytesHeld()];
    try {
      const texts = everything(tree, i % PAGE_EVERY === 0);
      for (const text of texts) assert.doesNotMatch(text, CONTROL);
      const most = i % PAGE_EVERY === 0 ? 4 * MILLISECONDS : MILLISECONDS;
      assert.ok(milliseconds() - start < most, `${milliseconds() - start} ms`);
      assert.ok(bytesHeld() - before < BYTES, `${bytesHeld() - before} bytes`);
    } catch (error) {
      cpSync(bad, join(dir, "kept"), { recursive: true });
      t.diagnostic(`folder ${i}`);
      throw error;
    }
    if (collectRuns([tree]).runs.length === 2) shown++;
  }
  t.diagnostic(`${shown} of ${FOLDERS} could still be shown`);
});
