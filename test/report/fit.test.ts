import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fitLines, renderFitted } from "#pefd/report/fit.js";
import { renderWatch } from "#pefd/report/live/watch.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { summaryTable } from "#pefd/report/summaryTable.js";
import { columns, extra, pinned, renderText, type Table } from "#pefd/report/table.js";
import { assertPinned } from "../helpers/pinned.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { writeRun } from "./fakeRuns.js";

/** A small window, the usual terminal, a wide one, a very wide one. */
const WIDTHS = [60, 80, 120, 200];

const longest = (text: string): number => Math.max(...text.split("\n").map((line) => [...line].length));

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

/** Three methods of a pair, one of them with two numbers of projectors and on fewer images. */
async function makeRuns(t: TestContext) {
  const dir = temporaryFolder(t);
  const kd = { distill: "kd", gamma: 0.1, alpha: 0, beta: 0.9 };
  await writeRun(dir, "kd_1", { trial: 1, height: 75, config: kd });
  await writeRun(dir, "kd_2", { trial: 2, height: 75.5, config: kd, done: 120 });
  await writeRun(dir, "ours_1", { height: 76 });
  await writeRun(dir, "ours_2", { height: 76, trial: 2 });
  await writeRun(dir, "ours_proj", { height: 75.8, config: { num_proj: 1, limit_train: 20_000 } });
  return collectRuns([dir]).runs;
}

describe("a table for a terminal", () => {
  const table: Table = {
    columns: columns("name", "what it is", ">n"),
    rows: [
      ["one", "a sentence of some words that goes on", "1"],
      ["two", "short", "20"],
    ],
  };

  it("is as it is where it fits, and off a terminal however wide", () => {
    const plain = renderText(table);
    assert.equal(renderFitted(table, longest(plain)), plain);
    assert.equal(renderFitted(table, undefined), plain);
  });

  it("has its words wrapped where it does not fit, numbers whole", () => {
    const narrow = [
      "name  what it is         n",
      "----  ----------------  --",
      "one   a sentence of      1",
      "      some words that",
      "      goes on",
      "two   short             20",
    ];
    assert.equal(renderFitted(table, 26), narrow.join("\n"));
  });

  it("is turned where that is not enough: a block for each row", () => {
    const wide: Table = {
      columns: columns("name", ">first", ">second", ">third"),
      rows: [
        ["one", "100000", "200000", "300000"],
        ["two", "100001", "200001", "300001"],
      ],
    };
    const blocks = [
      "name    one",
      "first   100000",
      "second  200000",
      "third   300000",
      "",
      "name    two",
      "first   100001",
      "second  200001",
      "third   300001",
    ];
    assert.equal(renderFitted(wide, 20), blocks.join("\n"));
  });

  it("goes without extra columns before it is turned, the first of them first, and names them", () => {
    const wide: Table = {
      columns: [...columns("name", ">first"), ...extra(columns(">second", ">third")), ...columns(">of all")],
      rows: [
        ["one", "100000", "200000", "300000", "1"],
        ["two", "100001", "200001", "300001", "2"],
      ],
    };
    const [titles, rest] = renderFitted(wide, 25).split(/\n-[- ]+\n/);
    assert.equal(titles?.replaceAll(/\s+/g, " "), "name first third of all");
    const rows = ["one   100000  300000    1", "two   100001  300001    2"];
    assert.equal(rest, [...rows, "", "A wider terminal shows:", "second."].join("\n"));
    assert.match(renderFitted(wide, 17), /shows: second,\nthird\.$/);
    assert.match(renderFitted(wide, 15), /^name +one\nfirst +100000\nsecond +200000\n/);
  });

  it("keeps pinned columns beside each other however narrow, and drops the highest numbers first", () => {
    const wide: Table = {
      columns: [
        ...columns("method"),
        ...extra(columns(">setting"), 2),
        ...pinned(columns(">result")),
        ...extra(columns(">time")),
      ],
      rows: [
        ["kd", "100", "70.00", "5 s"],
        ["ours", "200", "70.00", "6 s"],
      ],
    };
    assert.match(renderFitted(wide, 23), /^method +result +time\n/);
    assert.match(renderFitted(wide, 14), /^method +result\n[- ]+\nkd +70\.00\nours +70\.00\n\nA wider/);
  });

  it("is never turned if it is the report's, from 40 columns on", async (t) => {
    const summaries = summarize(await makeRuns(t));
    for (let width = 40; width < 200; width += 7) {
      const text = renderFitted(summaryTable(summaries), width);
      assert.match(text, /Method.*Last.*Rank|Method.*Last/, text);
      assert.ok(longest(text) <= width, text);
    }
  });

  it("says once what is the same in every row", () => {
    const rows = ["a", "b"].map((name) => [name, "the same thing", "1"]);
    const same: Table = { columns: columns("name", "kind", ">n"), rows };
    const lines = ["In every row: kind the", "same thing, n 1.", "", "name", "----", "a", "b"];
    assert.equal(renderFitted(same, 22), lines.join("\n"));
  });

  it("loses no word at any width", () => {
    for (let width = 1; width < 60; width++) {
      const words = new Set(wordsOf(renderFitted(table, width)));
      for (const word of table.rows.flat().flatMap(wordsOf)) assert.ok(words.has(word), word);
    }
  });

  for (const width of WIDTHS) {
    it(`of experiments is as pinned at ${width} columns`, async (t) => {
      const text = renderFitted(summaryTable(summarize(await makeRuns(t))), width);
      assert.ok(longest(text) <= width, text);
      assertPinned(join("report/pinned", `report_${width}.txt`), text);
    });

    it(`of running runs is as pinned at ${width} columns`, async (t) => {
      const text = renderWatch(await makeRuns(t), Date.now() + 3_600_000, width);
      assert.ok(longest(text) <= width, text);
      assertPinned(join("report/pinned", `watch_${width}.txt`), text);
    });
  }

  it("of experiments has every setting that differs, of all of them", async (t) => {
    const { columns: titles, rows } = summaryTable(summarize(await makeRuns(t)));
    const at = (title: string) => titles.findIndex((one) => one.title === title);
    assert.deepEqual(
      rows.map((cells) => [cells[at("Method")], cells[at("num_proj")], cells[at("limit_train")]]),
      [
        ["kd", "3", "-"],
        ["ours", "1", "20000"],
        ["ours", "3", "-"],
      ],
    );
  });
});

it("prose is wrapped between words, its indent kept; off a terminal it is as it is", () => {
  assert.equal(fitLines("  some words here", 12), "  some words\n  here");
  assert.equal(fitLines("  some words here", undefined), "  some words here");
});

it("the list of runs off a terminal is whole, however long the names", async (t) => {
  const dir = temporaryFolder(t);
  const name = `m${"x".repeat(60)}`;
  for (const num_proj of [1, 2]) {
    await writeRun(dir, `r${num_proj}`, { top1: [50], config: { distill: name, num_proj } });
  }
  const text = renderWatch(collectRuns([dir]).runs, Date.now(), Number.POSITIVE_INFINITY);
  assert.equal(text.split(`${name}, num_proj`).length, 3, text);
});
