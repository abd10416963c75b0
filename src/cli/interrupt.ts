import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The exit code by which shells tell that a signal ended a program: 130, 143, 129. */
export const signalExitCode = (name: NodeJS.Signals): number => 128 + constants.signals[name];

/** Thrown when work ended early because of a signal. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor(readonly signalName: NodeJS.Signals) {
    super(`Stopped by ${signalName}.`);
  }
}

/**
 * Runs work that can stop in good order. The first SIGINT, SIGTERM or SIGHUP aborts the signal that the
 * work was given; a second one ends the process at once.
 * @param onFirst called at the first signal, to say what is going on
 * @throws Interrupted once the work has ended after a signal, whether it returned or threw an AbortError
 */
export async function interruptible<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  onFirst: (name: NodeJS.Signals) => void,
): Promise<Result> {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const listener = (name: NodeJS.Signals) => {
    if (received !== undefined) process.exit(signalExitCode(name));
    received = name;
    onFirst(name);
    controller.abort(new Interrupted(name));
  };
  for (const name of SIGNALS) process.on(name, listener);
  try {
    const result = await work(controller.signal);
    if (received !== undefined) throw new Interrupted(received);
    return result;
  } finally {
    for (const name of SIGNALS) process.off(name, listener);
  }
}
