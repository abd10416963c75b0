import type { ChalkInstance } from "chalk";
import { textWidth } from "../../common/text/wrap.js";
import type { Best, EpochRow, Metrics } from "../log/contract.js";

/** A piece of the line; where there is no room for all, those of the highest rank go first. */
interface Piece {
  readonly rank: number;
  readonly text: string;
  /** A word before the first of its pieces that is there. */
  readonly group?: "train" | "test";
  readonly paint?: (text: string) => string;
}

const RANKS = {
  train: { loss: 3, top1: 4, top5: 9 },
  test: { loss: 5, top1: 0, top5: 8 },
} as const;

const metrics = (group: "train" | "test", { loss, top1, top5 }: Metrics): Piece[] => [
  { group, rank: RANKS[group].loss, text: `loss ${loss.toFixed(4)}` },
  { group, rank: RANKS[group].top1, text: `top-1 ${top1.toFixed(2)}` },
  { group, rank: RANKS[group].top5, text: `top-5 ${top5.toFixed(2)}` },
];

/** The pieces as one line: those of a group stand together behind its name. */
function joined(pieces: readonly Piece[], isPainted: boolean): string {
  return pieces.reduce((line, { text, group, paint }, index) => {
    const shown = isPainted && paint !== undefined ? paint(text) : text;
    const before = pieces[index - 1];
    if (before === undefined) return shown;
    if (group === undefined) return `${line}  ${shown}`;
    return before.group === group ? `${line} ${shown}` : `${line}  ${group} ${shown}`;
  }, "");
}

/** The pieces that fit, in their order. */
function fitting(pieces: readonly Piece[], columns: number): readonly Piece[] {
  let kept = pieces;
  while (kept.length > 1 && textWidth(joined(kept, false)) > columns) {
    const last = Math.max(...kept.map(({ rank }) => rank));
    kept = kept.filter(({ rank }) => rank !== last);
  }
  return kept;
}

/**
 * The line of a finished epoch: rate, train and test means, best so far, speed, time left. Where a terminal is too narrow
 * for all of it, what tells least goes: the test accuracy, the best one, the time left and the training loss stay longest.
 * @param columns of the terminal; Infinity off one
 */
export function epochLine(
  row: EpochRow,
  best: Best,
  { epochs, eta, columns }: { epochs: number; eta: string; columns: number },
  paint: ChalkInstance,
): string {
  const width = String(epochs).length;
  const isBest = best.epoch === row.epoch;
  const bestText = `best ${best.top1.toFixed(2)} (epoch ${best.epoch})`;
  const pieces: Piece[] = [
    { rank: -1, text: `epoch ${String(row.epoch).padStart(width)}/${epochs}` },
    { rank: 7, text: `lr ${row.learningRate.toPrecision(3)}` },
    ...metrics("train", row.train),
    ...metrics("test", row.test),
    { rank: 1, text: bestText, ...(isBest && { paint: (text: string) => paint.green(text) }) },
    { rank: 6, text: `${row.seconds.toFixed(1)} s` },
    { rank: 11, text: `${row.stepMs.toFixed(1)} ms/step` },
    { rank: 10, text: `${row.imagesPerSecond.toFixed(0)} images/s` },
    ...(row.epoch < epochs ? [{ rank: 2, text: `ETA ${eta}` }] : []),
  ];
  return joined(fitting(pieces, columns), true);
}
