import { hoistInvariants } from "./hoist.js";
import { packUpdates } from "./pack.js";
import type { LoopParts, LoopPass } from "./parts.js";

/** What happens to the parts of a loop before it is compiled, in this order. */
const LOOP_PASSES: readonly LoopPass[] = [packUpdates, hoistInvariants];

/** Sees the parts before the first pass (`after` is undefined) and after each. */
export type LoopObserver = (parts: LoopParts, after: LoopPass | undefined) => void;

let observer: LoopObserver | undefined;

/** Has all parts looked at while they are made ready, for tests (checkParts.ts). @returns what ends it */
export function observeLoopPasses(observe: LoopObserver): () => void {
  observer = observe;
  return () => {
    observer = undefined;
  };
}

/** The parts of a loop made ready to be compiled. */
export function preparedParts(parts: LoopParts): LoopParts {
  observer?.(parts, undefined);
  return LOOP_PASSES.reduce((given, pass) => {
    const changed = pass(given);
    observer?.(changed, pass);
    return changed;
  }, parts);
}
