import { inputError } from "../common/errors.js";
import type { PartName } from "./binary/records.js";
import { balancedSubset, type Labels } from "./sampler.js";
import type { SkipList } from "./skipList.js";

/** Refuses a limit before anything is read. @throws inputError */
export function checkLimit(limit: number | undefined, part: PartName): void {
  if (limit === undefined || (Number.isSafeInteger(limit) && limit > 0)) return;
  throw inputError(`--limit_${part} must be a positive integer, not ${limit}.`);
}

export type Wanted = { readonly limit?: number | undefined; readonly skip?: SkipList | undefined };

function keptImages(names: Iterable<string>, skip: SkipList): Int32Array {
  const kept: number[] = [];
  let index = 0;
  for (const name of names) {
    if (!skip.names.has(name)) kept.push(index);
    index++;
  }
  return Int32Array.from(kept);
}

/** Balanced part of the images not excluded. @returns ascending indices; undefined: all @throws inputError for none */
export function takenImages(
  { names, labels }: { readonly names: Iterable<string>; readonly labels: Labels },
  place: string,
  part: PartName,
  { limit, skip }: Wanted,
): Int32Array | undefined {
  if (skip === undefined) return chosenImages(labels, part, limit);
  const kept = keptImages(names, skip);
  if (kept.length === 0) throw inputError(`${skip.file} skips all images of ${place}.`);
  const keptLabels = Uint16Array.from(kept, (i) => labels[i] as number);
  const chosen = chosenImages(keptLabels, part, limit);
  return chosen === undefined ? kept : chosen.map((i) => kept[i] as number);
}

/** As many images of a split as the limit says. @returns ascending indices into labels; undefined for all */
export function chosenImages(labels: Labels, part: PartName, limit?: number): Int32Array | undefined {
  if (limit === undefined) return undefined;
  return balancedSubset(labels, Math.min(limit, labels.length), part);
}
