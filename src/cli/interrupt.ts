import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Shell exit codes of signals: 130, 143, 129. */
export const signalExitCode = (name: NodeJS.Signals): number => 128 + constants.signals[name];

/** The abort reason of interruptible work, thrown once that has ended in good order. */
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

export interface Interruption {
  /** Called at the first signal. */
  readonly onSignal?: (name: NodeJS.Signals) => void;
  readonly hint?: string;
}

/** Signals this soon after the first are the same wish: `timeout` and closing terminals send two. */
const ONE_WISH_MS = 1000;

/** Runs work that the first SIGINT, SIGTERM or SIGHUP aborts (Interrupted); a second one ends the process at once. */
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

/** The exit code of a watch or server ended by Ctrl-C, which is no error; throws any other error. */
export function endedBySignal(error: unknown): number {
  if (error instanceof Interrupted) return signalExitCode(error.signalName);
  throw error;
}
