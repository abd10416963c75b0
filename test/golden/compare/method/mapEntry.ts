import { z } from "zod";
import { shape } from "../schema.js";
import { ownRow, type TermGolden } from "./schema.js";

/** Place of the last map in a stand-in's list: stem, three maps, pooled vector. */
export const LAST_MAP = 3;

const map = z.object({ shape });
const mapsOnly = z.object({ mapS: map, mapT: map, ownState: z.array(ownRow), logitS: z.undefined().optional() });

/** Stem and maps of one shape [C, H, W], and the pooled vector. */
export const mapFeatures = (one: readonly number[]): number[][] => [
  ...Array.from({ length: LAST_MAP + 1 }, () => [...one]),
  one.slice(0, 1),
];

/**
 * An entry that calls its authors' function with both networks' last maps, as one between stand-ins: vector and logits are
 * what follows from the map. Undefined for every other entry.
 */
export function fromMaps(entry: TermGolden): TermGolden | undefined {
  const parsed = mapsOnly.safeParse(entry.inputs);
  if (!parsed.success) return undefined;
  const { mapS, mapT, ownState } = parsed.data;
  const { mapS: gradient, ...grads } = entry.grads;
  return {
    ...entry,
    ownState,
    inputs: { connector: "map" },
    shapes: {
      student: mapFeatures(mapS.shape.slice(1)),
      teacher: mapFeatures(mapT.shape.slice(1)),
      batch: mapS.shape[0] as number,
    },
    grads: { ...grads, ...(gradient && { [`feat${LAST_MAP}`]: gradient }) },
  };
}
