import type { Best, EpochRow, RunInfo, RunReporter, StepProgress } from "../report/log/contract.js";

export type RunEvent =
  /** The plan is known. */
  | { readonly kind: "started"; readonly run: RunInfo }
  | { readonly kind: "notice"; readonly text: string }
  | { readonly kind: "warning"; readonly text: string }
  /** Activity between steps, such as compiling. */
  | { readonly kind: "phase"; readonly text: string }
  /** Only the latest where several wait. */
  | { readonly kind: "step"; readonly progress: StepProgress }
  /** Test images done. */
  | { readonly kind: "evaluating"; readonly images: number; readonly total: number }
  /** An epoch is over and saved. */
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
 * Running work: events by `for await (const event of run)`, the result by `await run` or `await run.result`; either is optional. It
 * begins at once, one after another, as there is one TensorFlow.
 */
export interface Run<Result> extends AsyncIterable<RunEvent>, PromiseLike<Result> {
  /** Rejects with a PefdError, or with the signal's reason when aborted. */
  readonly result: Promise<Result>;
}

let before: Promise<unknown> = Promise.resolve();

/** Queued after all earlier work. */
function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  const own = before.then(work);
  before = own.catch(() => undefined);
  return own;
}

/** Events awaited before they happen, or waiting to be taken. */
type Listener = { readonly waiting: RunEvent[]; wake: () => void };

/** Adds an event; of several waiting steps only the last stays. */
function tell({ waiting, wake }: Listener, event: RunEvent): void {
  if (event.kind === "step" && waiting.at(-1)?.kind === "step") waiting.pop();
  waiting.push(event);
  wake();
}

/** Starts work that emits events. */
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
  // biome-ignore lint/suspicious/noThenProperty: `await distill(...)` waits for the result
  return { result, then: result.then.bind(result), [Symbol.asyncIterator]: events };
}
