import leven from "leven";

/**
 * The known name closest to what was typed, for "did you mean" sentences.
 * @param most edits; by default half of the typed length, at least 2
 * @returns the name, or undefined when nothing is so near
 */
export function nearestName(
  typed: string,
  known: readonly string[],
  most: number = Math.max(2, Math.floor(typed.length / 2)),
): string | undefined {
  const scored = known.map((name) => ({
    name,
    distance: leven(typed.toLowerCase(), name.toLowerCase()),
  }));
  scored.sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best && best.distance <= most ? best.name : undefined;
}

/** " Did you mean X?" with a leading space, or an empty string when no known name is near. */
export function didYouMean(typed: string, known: readonly string[]): string {
  const name = nearestName(typed, known);
  return name === undefined ? "" : ` Did you mean ${name}?`;
}
