import { columns, renderCsv, type Table } from "./table.js";

export interface ClassAccuracy {
  readonly label: number;
  readonly name: string;
  readonly images: number;
  readonly correct: number;
  /** Percent; undefined without images. */
  readonly top1: number | undefined;
}

/** Classes at each end of the text table. */
const SHOWN = 5;

/** Accuracy of every class from a [C * C] confusion matrix: images by label (rows) and prediction (columns). */
export function classAccuracies(confusion: Float32Array, names: readonly string[]): ClassAccuracy[] {
  return names.map((name, label) => {
    const row = confusion.subarray(label * names.length, (label + 1) * names.length);
    const images = row.reduce((sum, count) => sum + count, 0);
    const correct = row[label] as number;
    return { label, name, images, correct, top1: images > 0 ? (100 * correct) / images : undefined };
  });
}

const TITLES = ["class", "name", "images", "correct", "top1"];

const cells = ({ label, name, images, correct, top1 }: ClassAccuracy): string[] => [
  `${label}`,
  name,
  `${images}`,
  `${correct}`,
  top1 === undefined ? "" : `${Number(top1.toFixed(4))}`,
];

/** All classes of several checkpoints as CSV, with a newline at the end. */
export function perClassCsv(evaluations: readonly { checkpoint: string; classes: readonly ClassAccuracy[] }[]): string {
  const rows = evaluations.flatMap(({ checkpoint, classes }) => classes.map((row) => [checkpoint, ...cells(row)]));
  return `${renderCsv({ columns: columns("checkpoint", ...TITLES), rows })}\n`;
}

/** The worst and the best classes, worst first. */
export function extremesTable(classes: readonly ClassAccuracy[]): Table {
  const ranked = classes
    .filter((row): row is ClassAccuracy & { top1: number } => row.top1 !== undefined)
    .sort((a, b) => a.top1 - b.top1);
  const worst = ranked.slice(0, SHOWN);
  const best = ranked.slice(Math.max(SHOWN, ranked.length - SHOWN));
  const row = (place: string) => (found: (typeof ranked)[number]) => [
    place,
    found.name,
    `${found.correct} of ${found.images}`,
    found.top1.toFixed(2),
  ];
  return {
    columns: columns("", "class", ">right", ">top-1 %"),
    rows: [...worst.map(row("worst")), ...best.map(row("best"))],
  };
}
