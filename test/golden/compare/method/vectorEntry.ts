import { z } from "zod";
import { shape } from "../schema.js";
import { LAST_MAP, mapFeatures } from "./mapEntry.js";
import { ownRow, type TermGolden } from "./schema.js";
import type { StandIn } from "./standIn.js";

const vectors = z.object({ shape });
const vectorsOnly = z.object({ featS: vectors, featT: vectors, ownState: z.array(ownRow) });

const mapsAndLogits = z.object({ mapS: vectors, mapT: vectors, logitS: vectors, ownState: z.array(ownRow) });

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

/** A stand-in without a pooled vector, which is then the mean of its last map. */
const pooling = ({ featureShapes, tensors: { feat4: _, ...tensors } }: StandIn): StandIn => ({
  featureShapes,
  tensors,
});

/**
 * An entry that calls its authors' function with both networks' last maps, which it pools, and logits, as one between
 * stand-ins, and how those are changed. Undefined for every other entry.
 */
export function fromMapsAndLogits(entry: TermGolden) {
  const parsed = mapsAndLogits.safeParse(entry.inputs);
  if (!parsed.success) return undefined;
  const { mapS, mapT, ownState } = parsed.data;
  const [student, teacher] = [mapS, mapT].map(({ shape: [, ...one] }) => mapFeatures(one)) as [number[][], number[][]];
  const { mapS: gradient, ...grads } = entry.grads;
  return {
    entry: {
      ...entry,
      ownState,
      shapes: { student, teacher, batch: mapS.shape[0] as number },
      grads: { ...grads, ...(gradient && { [`feat${LAST_MAP}`]: gradient }) },
    },
    put: (between: { readonly student: StandIn; readonly teacher: StandIn }) => ({
      student: pooling(between.student),
      teacher: pooling(between.teacher),
    }),
  };
}
