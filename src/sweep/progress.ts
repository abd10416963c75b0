import { formatDuration, secondsLeft } from "../report/duration.js";
import type { Outcome, SweepObserver } from "./execute.js";
import type { SweepRun } from "./plan.js";
import { epochsDone } from "./state.js";

/** Lines about a sweep; `tick` tells where the running runs are. */
export interface SweepProgress extends SweepObserver {
  tick(): void;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function endText({ state, reason }: Outcome): string {
  if (state === "skipped") return "complete already";
  return state === "done" ? "done" : `failed: ${reason}`;
}

/**
 * One line when a run starts, at each tick that finds it further on, and when it ends, with the time that the
 * whole sweep will still take at the pace so far.
 * @param say shows a line
 * @param now seconds of a clock that only runs forward
 */
export function createSweepProgress(
  runs: readonly SweepRun[],
  say: (line: string) => void,
  now: () => number,
): SweepProgress {
  const startedAt = now();
  const running = new Map<SweepRun, number>();
  const total = sum(runs.map(({ options }) => options.epochs));
  const before = sum(runs.map(epochsDone));
  const failed = new Set<SweepRun>();
  const width = String(runs.length).length;

  const remaining = () => {
    // What failed will not be done any more.
    const lost = sum([...failed].map((run) => run.options.epochs - epochsDone(run)));
    const done = sum(runs.map(epochsDone)) - before;
    return secondsLeft(now() - startedAt, done, total - before - lost);
  };
  const line = (run: SweepRun, text: string, withTime: boolean) => {
    const place = `[${String(runs.indexOf(run) + 1).padStart(width)}/${runs.length}]`;
    const left = withTime ? remaining() : undefined;
    const eta =
      left === undefined || left === 0 ? "" : `; all done in about ${formatDuration(left)}`;
    say(`${place} ${run.label}: ${text}${eta}`);
  };
  return {
    started(run) {
      const done = epochsDone(run);
      running.set(run, done);
      line(run, done === 0 ? "started" : `going on after epoch ${done}`, true);
    },
    notice: (run, text) => line(run, text, false),
    ended(outcome) {
      running.delete(outcome.run);
      if (outcome.state === "failed") failed.add(outcome.run);
      line(outcome.run, endText(outcome), outcome.state !== "skipped");
    },
    tick() {
      for (const [run, told] of running) {
        const done = epochsDone(run);
        if (done <= told) continue;
        running.set(run, done);
        line(run, `epoch ${done} of ${run.options.epochs}`, true);
      }
    },
  };
}
