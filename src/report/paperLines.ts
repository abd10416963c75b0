import type { StepProgress } from "./contract.js";

/** Sums over the epoch so far, and the values of the steps since the last call. */
interface Meters {
  readonly epoch: number;
  readonly step: number;
  readonly images: number;
  readonly batchSum: number;
  readonly dataSum: number;
  readonly means: readonly [loss: number, top1: number, top5: number];
}

const START: Omit<Meters, "epoch"> = {
  step: 0,
  images: 0,
  batchSum: 0,
  dataSum: 0,
  means: [0, 0, 0],
};

function advance(last: Meters, p: StepProgress): Meters {
  const steps = p.step - last.step;
  return {
    epoch: p.epoch,
    step: p.step,
    images: p.images,
    batchSum: last.batchSum + p.batchSeconds * steps,
    dataSum: last.dataSum + p.dataSeconds * steps,
    means: [p.loss, p.top1, p.top5],
  };
}

/** The mean over the newest images alone, from the running means before and after them. */
function newest(last: Meters, now: Meters, index: 0 | 1 | 2): number {
  const fresh = now.images - last.images;
  if (fresh <= 0) return now.means[index];
  return (now.means[index] * now.images - last.means[index] * last.images) / fresh;
}

function line(last: Meters, now: Meters, p: StepProgress): string {
  const field = (name: string, value: number, mean: number, digits: number) =>
    `${name} ${value.toFixed(digits)} (${mean.toFixed(digits)})`;
  return [
    `Epoch: [${p.epoch}][${p.step - 1}/${p.steps}]`,
    field("Time", p.batchSeconds, now.batchSum / p.step, 3),
    field("Data", p.dataSeconds, now.dataSum / p.step, 3),
    field("Loss", newest(last, now, 0), p.loss, 4),
    field("Acc@1", newest(last, now, 1), p.top1, 3),
    field("Acc@5", newest(last, now, 2), p.top5, 3),
  ].join("\t");
}

/**
 * Lines as the paper's train_student.py prints them: value of the newest batch and, in brackets, the mean over
 * the epoch so far. Its step index counts from 0, and a line is due at every index that `printFreq` divides.
 * @returns a function that takes each finished step and gives the line, or undefined where none is due
 */
export function createPaperLines(printFreq: number): (p: StepProgress) => string | undefined {
  let last: Meters = { epoch: 0, ...START };
  return (p) => {
    if (p.epoch !== last.epoch || p.step <= last.step) last = { epoch: p.epoch, ...START };
    const before = last;
    last = advance(before, p);
    // Several steps may run in one call: a line is due when one of them had such an index.
    const due = Math.floor((p.step - 1) / printFreq) > Math.floor((before.step - 1) / printFreq);
    return due ? line(before, last, p) : undefined;
  };
}
