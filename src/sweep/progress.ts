import { cleanLine } from "../common/text.js";
import { createSweepPace, type Outcome, type SweepObserver } from "./execute.js";
import type { SweepRun } from "./plan.js";
import { epochsDone } from "./state.js";

export interface SweepProgress extends SweepObserver {
  /** Tells where the running runs are. */
  tick(): void;
  say(line: string): void;
  stop(): void;
}

/** "[ 3/12] resnet32x4 -> resnet8x4, ours, trial 1": a run and its place in the sweep. */
export function titleOf(run: SweepRun, runs: readonly SweepRun[]): string {
  const place = String(runs.indexOf(run) + 1).padStart(String(runs.length).length);
  return `[${place}/${runs.length}] ${cleanLine(run.label)}`;
}

/** Prefix of lines that --quiet shows. */
const WARNING = "warning: ";

/** A run's outcome in a few words. */
export function endText({ state, reason }: Outcome): string {
  if (state === "skipped") return "complete already";
  return state === "done" ? "done" : `failed: ${reason}`;
}

/** One line at a run's start, progress and end, with the sweep's time left; `now` is a monotonic clock in seconds. */
export function createSweepLines(
  runs: readonly SweepRun[],
  say: (line: string) => void,
  now: () => number,
): SweepProgress {
  const running = new Map<SweepRun, number>();
  const pace = createSweepPace(runs, now);
  const line = (run: SweepRun, text: string, eta: string) => say(`${titleOf(run, runs)}: ${text}${eta}`);
  return {
    started(run) {
      const done = epochsDone(run);
      running.set(run, done);
      line(run, done === 0 ? "started" : `resuming after epoch ${done}`, pace.eta());
    },
    notice(run, text) {
      if (text.startsWith(WARNING)) say(`${WARNING}${titleOf(run, runs)}: ${text.slice(WARNING.length)}`);
      else line(run, text, "");
    },
    ended(outcome) {
      running.delete(outcome.run);
      pace.ended(outcome);
      line(outcome.run, endText(outcome), outcome.state === "skipped" ? "" : pace.eta());
    },
    tick() {
      for (const [run, told] of running) {
        const done = epochsDone(run);
        if (done <= told) continue;
        running.set(run, done);
        line(run, `epoch ${done} of ${run.options.epochs}`, pace.eta());
      }
    },
    say,
    stop() {},
  };
}
