import { counted } from "../../common/text/counted.js";
import type { RunProgress } from "../../runFiles/progress.js";

/** How far a run has come. */
type Standing = Pick<RunProgress, "epoch" | "step">;

/** "epoch 1 and 30 steps of epoch 2": what a run has done. @param steps of an epoch */
function doneText({ epoch, step }: Standing, steps: number): string {
  const whole = epoch > 0 ? [`epoch ${epoch}`] : [];
  const shown = step === steps ? `all ${counted(steps, "step")}` : counted(step, "step");
  const part = step > 0 ? [`${shown} of epoch ${epoch + 1}`] : [];
  return [...whole, ...part].join(" and ");
}

/**
 * What is told of where a run starts: what it goes on after, or that there was nothing to go on with, where that was asked
 * for; undefined where neither is worth a word.
 * @param kept how far the run has come; undefined where it starts anew
 */
export function startText(
  runDir: string,
  kept: Standing | undefined,
  { resume, steps }: { resume: boolean; steps: number },
): string | undefined {
  if (kept === undefined) {
    return resume
      ? `--resume finds nothing to go on with in ${runDir}: the run starts with epoch 1.`
      : undefined;
  }
  const done = doneText(kept, steps);
  return done === "" ? "Going on before the first step." : `Going on after ${done}.`;
}
