import type { StepProgress } from "../log/contract.js";
import { newestMean } from "../log/means.js";

/** The last report of the epoch, and what its steps took together. */
interface EpochSoFar {
  readonly last: StepProgress | undefined;
  readonly batchSum: number;
  readonly dataSum: number;
}

const EPOCH_START: EpochSoFar = { last: undefined, batchSum: 0, dataSum: 0 };

function advance(before: EpochSoFar, p: StepProgress): EpochSoFar {
  const steps = p.step - (before.last?.step ?? 0);
  return {
    last: p,
    batchSum: before.batchSum + p.batchSeconds * steps,
    dataSum: before.dataSum + p.dataSeconds * steps,
  };
}

function line(before: StepProgress | undefined, now: EpochSoFar, p: StepProgress): string {
  const field = (name: string, value: number, mean: number, digits: number) =>
    `${name} ${value.toFixed(digits)} (${mean.toFixed(digits)})`;
  return [
    `Epoch: [${p.epoch}][${p.step - 1}/${p.steps}]`,
    field("Time", p.batchSeconds, now.batchSum / p.step, 3),
    field("Data", p.dataSeconds, now.dataSum / p.step, 3),
    field("Loss", newestMean(before, p, "loss"), p.loss, 4),
    field("Acc@1", newestMean(before, p, "top1"), p.top1, 3),
    field("Acc@5", newestMean(before, p, "top5"), p.top5, 3),
  ].join("\t");
}

/**
 * Lines as the paper's train_student.py prints them: value of the newest batch and, in brackets, the mean over
 * the epoch so far. Its step index counts from 0, and a line is due at every index that `printFreq` divides.
 * @returns a function that takes each finished step and gives the line, or undefined where none is due
 */
export function createPaperLines(printFreq: number): (p: StepProgress) => string | undefined {
  let soFar = EPOCH_START;
  return (p) => {
    const before = soFar.last?.epoch === p.epoch ? soFar : EPOCH_START;
    soFar = advance(before, p);
    // Several steps may run in one call: a line is due when one of them had such an index.
    const lastIndex = (before.last?.step ?? 0) - 1;
    const due = Math.floor((p.step - 1) / printFreq) > Math.floor(lastIndex / printFreq);
    return due ? line(before.last, soFar, p) : undefined;
  };
}
