import type { Best, EpochRow, RunInfo, RunReporter, StepProgress } from "../report/log/contract.js";

/** Events of a run, in order. */
export type RunEvent =
  /** It is known what is going to be done. */
  | { readonly kind: "started"; readonly run: RunInfo }
  /** A sentence worth knowing. */
  | { readonly kind: "notice"; readonly text: string }
  /** A warning. */
  | { readonly kind: "warning"; readonly text: string }
  /** Current activity between steps, such as compiling. */
  | { readonly kind: "phase"; readonly text: string }
  /** Steps are done. Where they come faster than they are taken, the last one is given. */
  | { readonly kind: "step"; readonly progress: StepProgress }
  /** So many of the test images are evaluated. */
  | { readonly kind: "evaluating"; readonly images: number; readonly total: number }
  /** An epoch is over, and kept. */
  | { readonly kind: "epoch"; readonly epoch: EpochRow; readonly best: Best };

/** A reporter that emits events. */
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

/**
 * Work that goes on: its events by `for await (const event of run)`, its result by `await run.result`. Either may be left
 * out. Work begins at once, one after another where several are asked for, as TensorFlow is one.
 */
export interface Run<Result> extends AsyncIterable<RunEvent> {
  /** Rejects with a PefdError for what went wrong, and with the signal's reason where it was aborted. */
  readonly result: Promise<Result>;
}

let before: Promise<unknown> = Promise.resolve();

/** Begins when everything that was begun before has ended. */
function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  const own = before.then(work);
  before = own.catch(() => undefined);
  return own;
}

/** Events that are asked for before they happen, or happen before they are asked for. */
interface Listener {
  readonly waiting: RunEvent[];
  wake: () => void;
}

/** Adds an event; of several steps that nobody has taken, the last one stays. */
function tell({ waiting, wake }: Listener, event: RunEvent): void {
  if (event.kind === "step" && waiting.at(-1)?.kind === "step") waiting.pop();
  waiting.push(event);
  wake();
}

/**
 * Starts work that emits events.
 * @param work gets the event sink
 */
export function startRun<Result>(work: (tell: (event: RunEvent) => void) => Promise<Result>): Run<Result> {
  const listeners = new Set<Listener>();
  const result = inTurn(() =>
    work((event) => {
      for (const listener of listeners) tell(listener, event);
    }),
  );
  let hasEnded = false;
  const end = () => {
    hasEnded = true;
    for (const { wake } of listeners) wake();
  };
  result.then(end, end);
  async function* events(): AsyncGenerator<RunEvent, void> {
    const listener: Listener = { waiting: [], wake: () => undefined };
    listeners.add(listener);
    try {
      for (;;) {
        const event = listener.waiting.shift();
        if (event !== undefined) yield event;
        else if (hasEnded) break;
        else {
          await new Promise<void>((wake) => {
            listener.wake = wake;
          });
        }
      }
    } finally {
      listeners.delete(listener);
    }
    await result; // what went wrong is thrown here, too
  }
  return { result, [Symbol.asyncIterator]: events };
}
