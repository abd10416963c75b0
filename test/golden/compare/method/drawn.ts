import type { Draws } from "#pefd/distill/method.js";
import type { Feed } from "../execute.js";
import { signedValue, unitValue } from "../formula.js";
import { KEYS, SET_SIZE } from "./keys.js";

/** Values of what a method draws, by the name of the drawn tensor: element `index` of a step, counted from 0. */
const DRAWN: Readonly<Record<string, (step: number, index: number) => number>> = {
  ...Object.fromEntries(
    [0, 1, 2].map((draw) => [
      `noise${draw}`,
      (step: number, index: number) => signedValue(KEYS.noise + 10 * step + draw, index) * Math.sqrt(3),
    ]),
  ),
  negatives: (step, index) => Math.floor(unitValue(KEYS.negatives + step, index) * SET_SIZE),
};

/**
 * What a method draws for a step, as the golden files have it.
 * @param step from 0
 * @throws Error for a tensor that the golden files do not have
 */
export function randomInputsOf(draws: Draws | undefined, images: number, step: number): Readonly<Record<string, Feed>> {
  const feeds = Object.entries(draws?.specs(images) ?? {}).map(([name, { shape, dtype }]) => {
    const element = DRAWN[name];
    if (element === undefined) throw new Error(`No golden file has ${name} drawn.`);
    const size = shape.reduce((product, length) => product * length, 1);
    const numbers = Array.from({ length: size }, (_, index) => element(step, index));
    const values = dtype === "int32" ? Int32Array.from(numbers) : Float32Array.from(numbers);
    return [name, { values, shape, dtype }] as const;
  });
  return Object.fromEntries(feeds);
}

/** Feeds under names that tell them from a batch's own. */
const PREFIX = "drawn.";

export const drawnNames = <Value>(feeds: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(feeds).map(([name, value]) => [PREFIX + name, value]));

/** What is drawn among a step's tensors, under the method's own names. */
export const drawnOf = <Value>(given: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      name.startsWith(PREFIX) ? [[name.slice(PREFIX.length), value]] : [],
    ),
  );
