import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Shell exit codes of signals: 130, 143, 129. */
export const signalExitCode = (name: NodeJS.Signals): number => 128 + constants.signals[name];

/** The reason that aborted work was given, and throws once it has ended in good order. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  /** @param hint what to type next */
  constructor(
    readonly signalName: NodeJS.Signals,
    readonly hint?: string,
  ) {
    super(`Stopped by ${signalName}.`);
  }
}

/** Messages for interrupted work. */
export interface Interruption {
  /** Called at the first signal. */
  readonly onSignal?: (name: NodeJS.Signals) => void;
  /** Hint after the work has ended. */
  readonly hint?: string;
}

/**
 * Signals that arrive within so many milliseconds of the first are the same wish to stop: `timeout` sends one to the
 * program and one to its group, a terminal that closes sends SIGHUP and SIGTERM.
 */
const ONE_WISH_MS = 1000;

/**
 * Runs work that can stop in good order. The first SIGINT, SIGTERM or SIGHUP aborts the signal that the
 * work was given, with an Interrupted as its reason, which the work throws when it has stopped early; work
 * that was all but done may as well return. A second signal, later than a moment after, ends the process at once.
 */
export async function interruptible<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  { onSignal, hint }: Interruption = {},
): Promise<Result> {
  const controller = new AbortController();
  let first: number | undefined;
  const listener = (name: NodeJS.Signals) => {
    if (first !== undefined) {
      if (performance.now() - first > ONE_WISH_MS) process.exit(signalExitCode(name));
      return;
    }
    first = performance.now();
    controller.abort(new Interrupted(name, hint));
    onSignal?.(name);
  };
  for (const name of SIGNALS) process.on(name, listener);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of SIGNALS) process.off(name, listener);
  }
}

/**
 * Ctrl-C is how a watch or a server ends: that is worth an exit code, and no sentence.
 * @throws whatever else ended the work
 */
export function endedBySignal(error: unknown): number {
  if (error instanceof Interrupted) return signalExitCode(error.signalName);
  throw error;
}
