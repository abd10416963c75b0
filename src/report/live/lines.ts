import type { ChalkInstance } from "chalk";
import { counted } from "../../common/text/counted.js";
import type { Best, EpochRow, Metrics, RunInfo, StepProgress } from "../log/contract.js";

/** The lines said once before the first step. */
export function runLines(info: RunInfo): string[] {
  const goesOn = info.firstEpoch > 1 ? `, continuing with epoch ${info.firstEpoch}` : "";
  return [
    info.title,
    `  ${counted(info.epochs, "epoch")} of ${counted(info.steps, "step")}${goesOn}; ${info.engine} engine, ${info.precision}, ${info.device}`,
    ...(info.loss === undefined ? [] : [`  ${info.loss}`]),
    `  ${info.runDir}`,
  ];
}

/** What stands beside the progress bar after a step, the most important first. */
export function stepFields(p: StepProgress, eta: string): string[] {
  const speed = p.batchSeconds > 0 ? p.images / p.step / p.batchSeconds : 0;
  return [
    `epoch ${p.epoch}/${p.epochs}`,
    `ETA ${eta}`,
    `step ${p.step}/${p.steps}`,
    `loss ${p.loss.toFixed(3)}`,
    `acc ${p.top1.toFixed(1)}%`,
    `${speed.toFixed(speed < 100 ? 1 : 0)} images/s`,
  ];
}

const metrics = (m: Metrics) =>
  `loss ${m.loss.toFixed(4)} top-1 ${m.top1.toFixed(2)} top-5 ${m.top5.toFixed(2)}`;

/** The line of a finished epoch: rate, train and test means, best so far, speed, time left. */
export function epochLine(
  row: EpochRow,
  best: Best,
  epochs: number,
  eta: string,
  paint: ChalkInstance,
): string {
  const width = String(epochs).length;
  const isBest = best.epoch === row.epoch;
  const bestText = `best ${best.top1.toFixed(2)} (epoch ${best.epoch})`;
  return [
    `epoch ${String(row.epoch).padStart(width)}/${epochs}`,
    `lr ${row.learningRate.toPrecision(3)}`,
    `train ${metrics(row.train)}`,
    `test ${metrics(row.test)}`,
    isBest ? paint.green(bestText) : bestText,
    `${row.seconds.toFixed(1)} s`,
    `${row.stepMs.toFixed(1)} ms/step`,
    `${row.imagesPerSecond.toFixed(0)} images/s`,
    ...(row.epoch < epochs ? [`ETA ${eta}`] : []),
  ].join("  ");
}
