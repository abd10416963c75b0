import type { Best, EpochRow, RunInfo, RunReporter, StepProgress } from "../report/log/contract.js";

/** What happens in a run, in the order in which it happens. */
export type RunEvent =
  /** It is known what is going to be done. */
  | { readonly kind: "started"; readonly run: RunInfo }
  /** A sentence worth knowing. */
  | { readonly kind: "notice"; readonly text: string }
  /** A sentence that should make people look. */
  | { readonly kind: "warning"; readonly text: string }
  /** What goes on while no steps are done, such as compiling. */
  | { readonly kind: "phase"; readonly text: string }
  /** Steps are done. Where they come faster than they are taken, the last one is given. */
  | { readonly kind: "step"; readonly progress: StepProgress }
  /** So many of the test images are evaluated. */
  | { readonly kind: "evaluating"; readonly images: number; readonly total: number }
  /** An epoch is over, and kept. */
  | { readonly kind: "epoch"; readonly epoch: EpochRow; readonly best: Best };

/** A reporter that tells events. */
export const eventReporter = (tell: (event: RunEvent) => void): RunReporter => ({
  runStarted: (run) => tell({ kind: "started", run }),
  notice: (text) => tell({ kind: "notice", text }),
  warn: (text) => tell({ kind: "warning", text }),
  phase: (text) => {
    if (text !== "") tell({ kind: "phase", text });
  },
  stepDone: (progress) => tell({ kind: "step", progress }),
  evaluating: (images, total) => tell({ kind: "evaluating", images, total }),
  epochDone: (epoch, best) => tell({ kind: "epoch", epoch, best }),
  runEnded() {},
});
