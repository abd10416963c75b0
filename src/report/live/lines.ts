import { counted } from "../../common/text/counted.js";
import type { RunInfo, StepProgress } from "../log/contract.js";

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
