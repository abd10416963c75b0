import assert from "node:assert/strict";
import { test } from "node:test";
import { smallPng } from "#pefd/data/images/png.js";
import { textWidth, wrapped } from "#pefd/report/plots/textWidth.js";
import type { Picture, Sheet } from "#pefd/report/sheet.js";
import { sheetHtml, sheetSvg } from "#pefd/report/sheet.js";

function picture(height: number, width: number): Picture {
  const bytes = Uint8Array.from({ length: height * width * 3 }, (_, i) => (i * 7) % 256);
  return { height, width, png: smallPng({ height, width, bytes }) };
}

const LONG_NAME = `train/${"n01440764_of_a_folder_with_a_long_name".repeat(6)}/picture & <1>.JPEG`;
const LONG_CLASS = "tench, Tinca tinca; 鯉の一種で、とても長い名前を持つもの ".repeat(8).trim();

const SHEET: Sheet = {
  title: "Images <as> a model sees them",
  notes: ["A note."],
  parts: [
    {
      title: "Training images: 2 of 9",
      columns: ["file", "epoch 1", "epoch 2"],
      rows: [
        {
          className: LONG_CLASS,
          name: LONG_NAME,
          height: 9,
          width: 4,
          pictures: [picture(9, 4), picture(6, 6), picture(6, 6)],
        },
        {
          className: "cat",
          name: "b.png",
          height: 500,
          width: 300,
          pictures: [picture(200, 120), picture(6, 6), picture(6, 6)],
        },
      ],
    },
    {
      title: "Test images: 1 of 3",
      columns: ["file", "evaluation"],
      rows: [
        {
          className: "dog",
          name: "c.png",
          height: 2,
          width: 2,
          pictures: [picture(2, 2), picture(6, 6)],
        },
      ],
    },
  ],
};

/** The words of an SVG's or HTML's text, as a reader sees them. */
const plain = (markup: string): string =>
  markup
    .replace(/<style>[\s\S]*?<\/style>/g, "")
    .replace(/<[^>]*>/g, "")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");

const withoutBlanks = (text: string): string => text.replace(/\s/g, "");

for (const [kind, draw] of [
  ["SVG", sheetSvg],
  ["HTML", sheetHtml],
] as const) {
  test(`the ${kind} says every name whole, and holds every picture`, () => {
    const text = draw(SHEET);
    const said = withoutBlanks(plain(text));
    for (const name of [LONG_NAME, LONG_CLASS, SHEET.title, "epoch 2", "evaluation", "A note.", "4 x 9"]) {
      assert.ok(said.includes(withoutBlanks(name)), name);
    }
    const addresses = [...text.matchAll(/(?:href|src)="data:image\/png;base64,([^"]+)"/g)];
    const pictures = SHEET.parts.flatMap(({ rows }) => rows).flatMap((row) => row.pictures);
    assert.deepEqual(
      addresses.map(([, base64]) => Buffer.from(base64 as string, "base64")),
      pictures.map(({ png }) => Buffer.from(png)),
    );
    assert.doesNotMatch(text, /picture & <1>|<as>/);
    assert.doesNotMatch(text, /https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
    assert.equal(draw(SHEET), text);
  });
}

test("no line of the SVG is wider than the drawing, and nothing lies below its end", () => {
  const svg = sheetSvg(SHEET);
  const [, width = 0, height = 0] = (/viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? []).map(Number);
  const lines = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)" font-size="(\d+)"[^>]*>([^<]*)</g)];
  assert.ok(lines.length > 12);
  for (const [, x, y, size, text = ""] of lines) {
    assert.ok(Number(x) + textWidth(plain(text), Number(size)) <= width, text);
    assert.ok(Number(y) < height);
  }
  for (const [, x, y, w, h] of svg.matchAll(/<image x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)) {
    assert.ok(Number(x) + Number(w) <= width && Number(y) + Number(h) <= height);
  }
});

test("text is broken at blanks, and in a word that is longer than a line", () => {
  assert.deepEqual(wrapped("", 10, 1), [""]);
  assert.deepEqual(wrapped("aaa bbb", 100, 1), ["aaa bbb"]);
  const lines = wrapped(`one ${"x".repeat(50)} two`, 10, 1);
  assert.equal(lines.join("").replaceAll(" ", ""), `one${"x".repeat(50)}two`);
  for (const line of lines) assert.ok(textWidth(line, 1) <= 10, line);
  // A character wider than a line stands alone.
  assert.deepEqual(wrapped("MM", 0.5, 1), ["M", "M"]);
});
