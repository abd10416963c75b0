import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";
import { copyOfBinding, type NativeBinding } from "./binding.js";

// TensorFlow.js keeps all attribute names in one set of the process (ATTR_NAME_SET of its tfjs_backend.cc), without a
// lock: where a thread adds a name while another looks for one, either may read freed memory, or look for ever.

const KEY = "pefd: calls of ops";

// Places in it: calls that only look for names, and whether one may add some.
const [LOOKING, ADDING] = [0, 1];

/** Names are dealt with in the first microseconds of a call: after so long it is past that, or its thread was ended. */
const TIMEOUT_MILLISECONDS = 2000;

/** The memory that all threads share; the first to ask, which is the main thread, makes it. */
function sharedState(): Int32Array {
  const found = getEnvironmentData(KEY);
  if (found instanceof SharedArrayBuffer) return new Int32Array(found);
  const made = new SharedArrayBuffer(8);
  setEnvironmentData(KEY, made);
  return new Int32Array(made);
}

/** Sleeps until a number is 0. @returns false where that took longer than there is patience for */
function isSoonNone(state: Int32Array, place: number): boolean {
  const end = performance.now() + TIMEOUT_MILLISECONDS;
  for (;;) {
    const value = Atomics.load(state, place);
    if (value === 0) return true;
    if (Atomics.wait(state, place, value, end - performance.now()) === "timed-out") return false;
  }
}

function waitForAdder(state: Int32Array): void {
  if (!isSoonNone(state, ADDING)) Atomics.store(state, ADDING, 0);
}

function leave(state: Int32Array): void {
  if (Atomics.sub(state, LOOKING, 1) === 1) Atomics.notify(state, LOOKING);
}

/** Runs what only looks for names: together with others that do, while nobody adds any. */
function looking<Result>(state: Int32Array, run: () => Result): Result {
  for (;;) {
    waitForAdder(state);
    Atomics.add(state, LOOKING, 1);
    if (Atomics.load(state, ADDING) === 0) break;
    leave(state);
  }
  try {
    return run();
  } finally {
    leave(state);
  }
}

/** Runs what may add names: while nobody else looks for or adds any. */
function adding<Result>(state: Int32Array, run: () => Result): Result {
  while (Atomics.compareExchange(state, ADDING, 0, 1) !== 0) waitForAdder(state);
  isSoonNone(state, LOOKING);
  try {
    return run();
  } finally {
    Atomics.store(state, ADDING, 0);
    Atomics.notify(state, ADDING);
  }
}

function threadSafeCall(binding: NativeBinding): NativeBinding["executeOp"] {
  const state = sharedState();
  const known = new Set<string>();
  return (op, attributes, inputs, outputs) => {
    const call = () => binding.executeOp(op, attributes, inputs, outputs);
    if (attributes.every(({ name }) => known.has(name))) return looking(state, call);
    try {
      return adding(state, call);
    } finally {
      for (const { name } of attributes) known.add(name);
    }
  };
}

/** A binding whose ops several threads may call, each with its own; a call with new attribute names runs alone. */
export const threadSafe = (binding: NativeBinding): NativeBinding => ({
  ...copyOfBinding(binding),
  executeOp: threadSafeCall(binding),
});
