import { formatDuration, secondsLeft } from "../report/duration.js";
import { barLine, createLiveText, type Terminal } from "../report/live/progressBar.js";
import { createSweepPace } from "./execute.js";
import type { SweepRun } from "./plan.js";
import { endText, type SweepProgress, titleOf } from "./progress.js";
import { epochsDone } from "./state.js";

/** Shorter than a single run's bar: the run's name needs the room. */
const BAR_CELLS = 10;

export type BarTerminal = Terminal & { readonly columns?: number | undefined };

export interface BarOptions {
  readonly columns: number;
  readonly color: boolean;
  /** Seconds of a monotonic clock. */
  readonly now: () => number;
}

/** Where a run was when this sweep took it up. */
type Start = { readonly at: number; readonly epochs: number };

function runBar(run: SweepRun, start: Start, now: number): { progress: number; fields: string[] } {
  const done = epochsDone(run);
  const total = run.options.epochs;
  const left = secondsLeft(now - start.at, done - start.epochs, total - start.epochs);
  const eta = left === undefined ? [] : [`ETA ${formatDuration(left)}`];
  return { progress: done / total, fields: [`epoch ${done}/${total}`, ...eta] };
}

/** A bar for each running run, and below the sweep's progress and time left; a run that ended leaves one line. */
export function createSweepBars(
  runs: readonly SweepRun[],
  terminal: BarTerminal,
  { columns, color, now }: BarOptions,
): SweepProgress {
  const live = createLiveText(terminal);
  const running = new Map<SweepRun, Start>();
  const pace = createSweepPace(runs, now);
  const counts = { done: 0, failed: 0 };

  const footer = () => {
    const failed = counts.failed === 0 ? "" : `, ${counts.failed} failed`;
    return `${counts.done} of ${runs.length} runs done${failed}${pace.eta()}`;
  };
  const draw = () => {
    const width = Math.max(10, (terminal.columns || columns) - 1);
    const lines = [...running].map(([run, start]) => {
      const { progress, fields } = runBar(run, start, now());
      return barLine(progress, [titleOf(run, runs), ...fields], { width, cells: BAR_CELLS, color });
    });
    live.show([...lines, footer().slice(0, width)].join("\n"));
  };
  return {
    started(run) {
      running.set(run, { at: now(), epochs: epochsDone(run) });
      draw();
    },
    notice: (run, text) => live.above(`${titleOf(run, runs)}: ${text}`),
    ended(outcome) {
      running.delete(outcome.run);
      pace.ended(outcome);
      counts[outcome.state === "failed" ? "failed" : "done"]++;
      live.above(`${titleOf(outcome.run, runs)}: ${endText(outcome)}`);
      draw();
    },
    tick: draw,
    say: live.above,
    stop: live.clear,
  };
}
