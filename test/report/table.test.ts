import assert from "node:assert/strict";
import { it } from "node:test";
import { columns, renderCsv, renderMarkdown, renderText } from "#pefd/report/table.js";

const TABLE = {
  columns: columns("Method", ">Top-1"),
  rows: [
    ["ours", "76.28 ± 0.12"],
    ['a|b, "c"', "9"],
  ],
};

it("text is aligned, numbers to the right, no blanks at line ends", () => {
  const text = ["Method           Top-1", "--------  ------------", "ours      76.28 ± 0.12", 'a|b, "c"             9'];
  assert.equal(renderText(TABLE), text.join("\n"));
});

it("markdown escapes bars and aligns as GitHub does", () => {
  const text = [
    "| Method    |        Top-1 |",
    "| --------- | -----------: |",
    "| ours      | 76.28 ± 0.12 |",
    '| a\\|b, "c" |            9 |',
  ];
  assert.equal(renderMarkdown(TABLE), text.join("\n"));
});

it("CSV quotes what needs it", () => {
  assert.equal(renderCsv(TABLE), 'Method,Top-1\nours,76.28 ± 0.12\n"a|b, ""c""",9');
});

it("a cell that is longer than any is meant to be is cut, with a sign of it", () => {
  const cut = (length: number) =>
    renderText({ columns: columns("a"), rows: [["x".repeat(length)]] })
      .split("\n")
      .at(-1);
  const widest = (cut(10_000) as string).length;
  assert.equal(cut(widest), "x".repeat(widest));
  assert.equal(cut(widest + 1), `${"x".repeat(widest - 3)}...`);
});
