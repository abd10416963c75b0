import type { DownloadProgress } from "../data/fetch/receive.js";
import { createProgressBar } from "../report/live/progressBar.js";
import type { Output } from "./command.js";
import { COLUMNS, isScreen } from "./output.js";

type Amount = (progress: DownloadProgress) => string;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

const amount: Amount = ({ received, total }) =>
  total === undefined ? megabytes(received) : `${megabytes(received)} of ${megabytes(total)}`;

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

/** A bar on a terminal, plain lines elsewhere, on stderr; nothing with --quiet. `amountOf` defaults to megabytes. */
export function transferProgress(output: Output, amountOf: Amount = amount) {
  const { stderr } = process;
  if (output.quiet || !isScreen(stderr)) return plainLines(output, amountOf);
  const bar = createProgressBar(stderr, stderr.columns ?? COLUMNS, output.color);
  let started = false;
  const update = (progress: DownloadProgress) => {
    if (!started) bar.start(progress.total ?? 0, progress.received);
    started = true;
    bar.update(progress.received, [amountOf(progress)]);
  };
  return { update, stop: () => started && bar.stop() };
}
