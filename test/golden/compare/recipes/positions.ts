import { z } from "zod";
import { type Grid, resizedGrid, resizedPositions } from "#pefd/nn/positions.js";
import { absent, type Check, checkNumbers, withinSpread } from "../comparison.js";
import { formulaValues, signedValue } from "../formula.js";
import { summary } from "../schema.js";
import { checkSummary } from "../summary.js";

/** position_resize.json: position embeddings and tables of relative positions at other sizes. */
export const positionsSchema = z.object({
  inputs: z.record(z.string(), z.union([z.number(), z.tuple([z.int(), z.array(z.int())])])),
  cases: z.record(
    z.string(),
    summary.omit({ mean: true, std: true }).extend({ lastRow: z.array(z.number()), column0: z.array(z.number()) }),
  ),
  spreadMaxAbs: z.record(z.string(), z.number()),
});

/** A case: whether of Swin's tables, the input's tokens that are no patch's, and the new sides. */
const CASE = /^(swin|vit|distilled|none)_\w+?_to_(\d+)(?:x(\d+))?(_no_antialias)?$/;

const PREFIXES: Readonly<Record<string, number>> = { none: 0, vit: 1, distilled: 2 };

/** Compares what is resized with what timm resizes; pefd resizes no tables, and nothing without antialiasing. */
export const checkPositions = ({ inputs, cases, spreadMaxAbs }: z.infer<typeof positionsSchema>): Check[] =>
  Object.entries(cases).flatMap(([name, expected]) => {
    const [, kind = "", height, width, coarse] = CASE.exec(name) ?? [];
    const prefixes = PREFIXES[kind];
    if (prefixes === undefined || coarse !== undefined) return [absent(name)];
    const [key, shape] = inputs[name.replace(/_to_.*/, "")] as [number, number[]];
    const [, length, channels] = shape as [number, number, number];
    const values = formulaValues(shape, (i) => signedValue(key, i) * (inputs.scale as number));
    const side = Math.sqrt(length - prefixes);
    const to: Grid = [Number(height), Number(width)];
    const kept = values.subarray(0, prefixes * channels);
    const resized =
      to[0] === to[1]
        ? resizedPositions(values, shape, expected.shape)
        : Float32Array.of(...kept, ...resizedGrid(values.subarray(kept.length), [side, side], to, channels));
    const spread = spreadMaxAbs[name] ?? 0;
    const bound = withinSpread(spread);
    const norm = withinSpread(spread * Math.sqrt(resized.length));
    const column = expected.column0.map((_, i) => resized[i * channels] as number);
    return [
      ...checkSummary(name, { shape: expected.shape, values: resized }, expected, { element: bound, norm }),
      checkNumbers(`${name} lastRow`, resized.subarray(-channels), expected.lastRow, bound),
      checkNumbers(`${name} column0`, column, expected.column0, bound),
    ];
  });
