import type { Draws, Moment } from "./method.js";

/** A method's name and what it draws. */
type NamedDraws = readonly [name: string, draws: Draws | undefined];

const prefixed = <Value>(name: string, values: Readonly<Record<string, Value>>) =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [`${name}.${key}`, value]));

/** What several methods draw for a step, each under its name; undefined where none draws anything. */
export function combinedDraws(all: readonly NamedDraws[]): Draws | undefined {
  const drawing = all.flatMap(([name, draws]) => (draws === undefined ? [] : [{ name, draws }]));
  if (drawing.length === 0) return undefined;
  return {
    specs: (images) =>
      Object.assign({}, ...drawing.map(({ name, draws }) => prefixed(name, draws.specs(images)))),
    values: (step) =>
      Object.assign({}, ...drawing.map(({ name, draws }) => prefixed(name, draws.values(step)))),
  };
}

/** A moment as one of several methods sees it: with its own draws under its own names. */
export const drawnFor = (name: string, at: Moment): Moment =>
  Object.create(at, {
    drawn: {
      get: () => {
        const own = Object.entries(at.drawn).filter(([key]) => key.startsWith(`${name}.`));
        return Object.fromEntries(own.map(([key, value]) => [key.slice(name.length + 1), value]));
      },
    },
  }) as Moment;
