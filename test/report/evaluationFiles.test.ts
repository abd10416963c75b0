import assert from "node:assert/strict";
import { test } from "node:test";
import { classAccuracies, extremesTable, perClassCsv } from "#pefd/report/perClass.js";
import { confusionCsv, confusionSvg } from "#pefd/report/plots/confusionMatrix.js";

const NAMES = ["cat", "dog, small", "<fox>"];
const COUNTS = Float32Array.of(3, 1, 0, 0, 4, 0, 0, 0, 0);

test("the accuracy of a class is over its own images; without images it has none", () => {
  const classes = classAccuracies(COUNTS, NAMES);
  assert.deepEqual(
    classes.map(({ images, correct, top1 }) => [images, correct, top1]),
    [
      [4, 3, 75],
      [4, 4, 100],
      [0, 0, undefined],
    ],
  );
  assert.equal(
    perClassCsv([{ checkpoint: "a.pth", classes }]),
    'checkpoint,class,name,images,correct,top1\na.pth,0,cat,4,3,75\na.pth,1,"dog, small",4,4,100\na.pth,2,<fox>,0,0,\n',
  );
});

test("the worst and the best classes are shown once each, the worst first", () => {
  const names = Array.from({ length: 12 }, (_, i) => `class${i}`);
  const counts = new Float32Array(144);
  for (let i = 0; i < 12; i++) {
    counts[i * 12 + i] = i;
    counts[i * 12 + ((i + 1) % 12)] = 12 - i;
  }
  const { rows } = extremesTable(classAccuracies(counts, names));
  const shown = rows.map((row) => `${row[0]} ${row[1]}`);
  const expected = [0, 1, 2, 3, 4].map((i) => `worst class${i}`);
  assert.deepEqual(shown, [...expected, ...[7, 8, 9, 10, 11].map((i) => `best class${i}`)]);
  assert.equal(extremesTable(classAccuracies(COUNTS, NAMES)).rows.length, 2);
});

test("the matrix as CSV has a row for each label and a column for each prediction", () => {
  assert.equal(
    confusionCsv({ counts: COUNTS, names: NAMES }),
    'label,cat,"dog, small",<fox>\ncat,3,1,0\n"dog, small",0,4,0\n<fox>,0,0,0\n',
  );
});

test("the drawing has a square for every pair that occurs, and text that cannot break it", () => {
  const svg = confusionSvg({ counts: COUNTS, names: NAMES }, "a <b>");
  assert.equal(svg.match(/<title>/g)?.length, 3);
  assert.match(svg, /<title>cat taken for dog, small: 1 of 4<\/title>/);
  assert.match(svg, /&lt;fox&gt;/);
  assert.ok(!svg.includes("<fox>") && !svg.includes("<b>"));
});
