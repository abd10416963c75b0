import type { DownloadProgress } from "../data/fetch/receive.js";
import { createProgressBar, type ProgressBar } from "../report/live/progressBar.js";
import type { Output } from "./command.js";
import { COLUMNS, isScreen } from "./output.js";

type Amount = (progress: DownloadProgress) => string;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const amount: Amount = ({ received, total }) =>
  total === undefined ? megabytes(received) : `${megabytes(received)} of ${megabytes(total)}`;

/** A bar on stderr, from its first update on; undefined with --quiet and where nothing can be written over. */
export function stderrBar({ quiet, color }: Output) {
  if (quiet || !isScreen(process.stderr)) return undefined;
  let bar: ProgressBar | undefined;
  return {
    /** @param fields beside the bar, most important first */
    update(done: number, total: number, fields: readonly string[]) {
      if (bar === undefined) {
        bar = createProgressBar(process.stderr, COLUMNS, color);
        bar.start(total, done);
      }
      bar.update(done, fields);
    },
    /** Removes it; the next update begins another. */
    stop() {
      bar?.stop();
      bar = undefined;
    },
  };
}

/** One line for every tenth of the whole. */
function plainLines(output: Output, amountOf: Amount) {
  let told = 0;
  const update = (progress: DownloadProgress) => {
    const tenths = Math.floor((10 * progress.received) / (progress.total ?? Number.POSITIVE_INFINITY));
    if (tenths > told) output.notice(amountOf(progress));
    told = Math.max(told, tenths);
  };
  return { update, stop: () => {} };
}

/** A bar on a screen, plain lines elsewhere, on stderr; nothing with --quiet. `amountOf` defaults to megabytes. */
export function transferProgress(output: Output, amountOf: Amount = amount) {
  const bar = stderrBar(output);
  if (bar === undefined) return plainLines(output, amountOf);
  const update = (progress: DownloadProgress) =>
    bar.update(progress.received, progress.total ?? 0, [amountOf(progress)]);
  return { update, stop: bar.stop };
}
