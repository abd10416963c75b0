import { PefdError } from "../common/errors.js";
import { measureOver } from "./cost.js";
import type { Timing, Variant, Work } from "./types.js";

/** Which methods distillation is timed with. */
export interface ChosenMethods {
  readonly names: readonly string[];
  /** Each beside `kd`, to tell what it costs over that. */
  readonly besideKd: boolean;
  /** Those that do not fit the pair are left out, with a notice. */
  readonly onlyFitting: boolean;
}

/** How methods are timed. */
interface Timed {
  /** Distillation by a method. @throws inputError where it does not fit the pair */
  distillation(method: string): Work;
  readonly variants: readonly Variant[];
  readonly repeats: number;
  onStart(work: Work, variant: Variant): void;
  notice(text: string): void;
}

/** The method that others are compared with. */
export const BASE = "kd";

/**
 * Times distillation by methods, each in turns with `kd`.
 * @returns timings of `kd`, then of the others in their order
 */
export function measureMethods(
  { names, onlyFitting }: ChosenMethods,
  { distillation, variants, repeats, onStart, notice }: Timed,
): Timing[] {
  const fitting = (name: string): Work | undefined => {
    try {
      return distillation(name);
    } catch (error) {
      if (!onlyFitting || !(error instanceof PefdError)) throw error;
      notice(`${name} is left out: ${error.message}`);
      return undefined;
    }
  };
  function* works() {
    for (const name of names) {
      const work = name === BASE ? undefined : fitting(name);
      if (work !== undefined) yield work;
    }
  }
  return measureOver(distillation(BASE), works(), variants, repeats, onStart);
}
