/** Called before the first pass (`after` is undefined) and after each. */
export type Observer<State> = (state: State, after: ((state: State) => State) | undefined) => void;

/** Runs passes one after the other, which an observer may look at. */
export function passRunner<State>() {
  let observer: Observer<State> | undefined;
  return {
    /** Observes all passes. @returns a function that ends it */
    observe(observe: Observer<State>): () => void {
      observer = observe;
      return () => {
        observer = undefined;
      };
    },
    /** The state after all passes. */
    run(state: State, passes: readonly ((state: State) => State)[]): State {
      observer?.(state, undefined);
      return passes.reduce((given, pass) => {
        const changed = pass(given);
        observer?.(changed, pass);
        return changed;
      }, state);
    },
  };
}
