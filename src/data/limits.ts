import { inputError } from "../common/errors.js";
import type { PartName } from "./binary/part.js";
import { balancedSubset, type Labels } from "./subset.js";

/** Refuses a limit before anything is read. @throws inputError */
export function checkLimit(limit: number | undefined, part: PartName): void {
  if (limit === undefined || (Number.isSafeInteger(limit) && limit > 0)) return;
  throw inputError(`--limit_${part} must be a positive whole number, not ${limit}.`);
}

/**
 * Which images of a half are taken.
 * @param place how sentences name what they were read from
 * @returns ascending indices into labels; undefined for all
 * @throws inputError where there are not so many
 */
export function chosenImages(
  labels: Labels,
  place: string,
  part: PartName,
  limit?: number,
): Int32Array | undefined {
  if (limit === undefined) return undefined;
  if (limit > labels.length) {
    throw inputError(
      `--limit_${part} asks for ${limit} images, but ${place} has ${labels.length}.`,
      "Leave it out to take all of them.",
    );
  }
  return balancedSubset(labels, limit, part);
}
