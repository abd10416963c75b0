import { z } from "zod";
import { shape } from "../schema.js";
import { ownRow, type TermGolden } from "./schema.js";

const vectors = z.object({ shape });
const vectorsOnly = z.object({ featS: vectors, featT: vectors, ownState: z.array(ownRow) });

/** Parameters that the function starts with. */
const STARTS: readonly z.infer<typeof ownRow>[] = [
  ["tau", [], "one", 0],
  ["b", [], "zero", 0],
];

/** Features whose maps are of no use: the pooled vector is the fifth. */
const featuresOf = (width: number): number[][] => [[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1], [width]];

/**
 * An entry that calls its authors' function with both networks' pooled vectors, as one between stand-ins. Undefined for
 * every other entry.
 */
export function fromVectors(entry: TermGolden): TermGolden | undefined {
  const parsed = vectorsOnly.safeParse(entry.inputs);
  if (!parsed.success) return undefined;
  const { featS, featT, ownState } = parsed.data;
  const { featS: gradient, ...grads } = entry.grads;
  return {
    ...entry,
    ownState: [...ownState, ...STARTS.filter(([name]) => name in (entry.inputs ?? {}))],
    shapes: {
      student: featuresOf(featS.shape[1] as number),
      teacher: featuresOf(featT.shape[1] as number),
      batch: featS.shape[0] as number,
    },
    grads: { ...grads, ...(gradient && { feat4: gradient }) },
  };
}
