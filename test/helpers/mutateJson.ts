import type { Random } from "#pefd/common/random.js";

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Values that nobody expects where they are put. */
const ODD: readonly (() => Json)[] = [
  () => null,
  () => true,
  () => -1,
  () => 0,
  () => 1.5,
  () => 1e308,
  () => Number.MAX_SAFE_INTEGER + 1,
  () => "",
  () => "constructor",
  () => "__proto__",
  () => "../../../etc/passwd",
  () => "\u001b]0;title\u0007\u009b2J\u202e",
  () => "=1+1\n\r\t",
  () => "x".repeat(5000),
  () => "\ud800",
  () => [],
  () => ({}),
  () => [[[[[[]]]]]],
  () => Array.from({ length: 2000 }, (_, i) => i),
  () => ({ toString: 1, valueOf: 2, length: -1 }),
];

const oneOf = <T>(values: readonly T[], random: Random): T => values[random.integer(values.length)] as T;

const oddValue = (random: Random): Json => oneOf(ODD, random)();

const oddKey = (random: Random): string => {
  const value = oddValue(random);
  return typeof value === "string" ? value.slice(0, 200) : "toString";
};

/** Every place in a value where something else could stand: its container and key. */
function places(value: Json): (readonly [container: Json[] | { [key: string]: Json }, key: string])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [[value, key] as const, ...places(inner as Json)]);
}

/** A copy of a value of JSON with one to three changes of its structure. */
export function mutateJson(value: unknown, random: Random): unknown {
  let copy = structuredClone(value) as Json;
  for (let left = 1 + random.integer(3); left > 0; left--) {
    const found = places(copy);
    if (found.length === 0 || random.integer(40) === 0) copy = oddValue(random);
    else change(oneOf(found, random), random);
  }
  return copy;
}

function change([container, key]: readonly [Json[] | { [key: string]: Json }, string], random: Random): void {
  const target = container as { [key: string]: Json };
  const kind = random.integer(4);
  if (kind < 2) target[key] = oddValue(random);
  else if (kind === 2) delete target[key];
  else
    Object.defineProperty(target, Array.isArray(target) ? "0" : oddKey(random), {
      value: oddValue(random),
      enumerable: true,
      configurable: true,
      writable: true,
    });
}
