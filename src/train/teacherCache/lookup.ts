import { cropOffsets, shiftOf, shiftVariants } from "../../data/augmentation.js";
import type { ImagesInMemory } from "../../data/dataset.js";
import { PLAN_COLUMNS } from "../../data/sampler.js";
import { emptyOutputs, type OutputSizes, type Outputs, rowOf, type Store } from "./store.js";

/** Index of a row's image and variant, the same in every subset of the file. */
type EntryOf = (rows: Int32Array, row: number) => number;

/** Numbers images by index in the file and variant: every crop, flipped or not. */
export function entriesOf({ positions, augmentation }: Pick<ImagesInMemory, "positions" | "augmentation">): EntryOf {
  const shift = shiftOf(augmentation);
  const [variants, offsets] = [shiftVariants(shift), cropOffsets(shift)];
  return (rows, row) => {
    const at = row * PLAN_COLUMNS;
    const [image, y, x, flip] = [rows[at], rows[at + 1], rows[at + 2], rows[at + 3]] as [
      number,
      number,
      number,
      number,
    ];
    const position = positions === undefined ? image : (positions[image] as number);
    return position * variants + (y * offsets + x) * 2 + flip;
  };
}

/** In rows, to fill up a teacher batch. */
const LOOK_AHEAD = 8192;

/** Images with cached and with computed outputs. */
export type CacheTally = { readonly found: number; readonly computed: number };

export interface Lookup {
  /** Outputs of sampler rows. @param upcoming rows of the next calls */
  outputs(rows: Int32Array, upcoming: Int32Array): Outputs;
  tally(): CacheTally;
}

export interface LookupParts {
  readonly store: Store;
  readonly sizes: OutputSizes;
  readonly entryOf: EntryOf;
  readonly batchSize: number;
  /** Runs the teacher on a full batch. */
  compute(rows: Int32Array): Outputs;
}

const planRow = (rows: Int32Array, row: number): Int32Array =>
  rows.subarray(row * PLAN_COLUMNS, (row + 1) * PLAN_COLUMNS);

/** Reads cached rows, computes others in full batches, filled up with upcoming misses. */
export function createLookup(parts: LookupParts): Lookup {
  const { store, sizes, entryOf, batchSize } = parts;
  let [asked, computed] = [0, 0];

  const computeChunk = (needed: readonly Int32Array[], upcoming: Int32Array): Outputs => {
    const room = batchSize - needed.length;
    const chosen = [...needed, ...(room > 0 ? missingAhead(parts, upcoming, room) : [])];
    const rows = new Int32Array(batchSize * PLAN_COLUMNS);
    for (let slot = 0; slot < batchSize; slot++) {
      rows.set(chosen[slot] ?? (chosen[0] as Int32Array), slot * PLAN_COLUMNS);
    }
    const outputs = parts.compute(rows);
    chosen.forEach((row, slot) => {
      store.write(entryOf(row, 0), outputs, slot);
    });
    computed += chosen.length;
    return outputs;
  };

  return {
    outputs(rows, upcoming) {
      const count = rows.length / PLAN_COLUMNS;
      const found = emptyOutputs(sizes, count);
      const missing: number[] = [];
      for (let row = 0; row < count; row++) if (!store.read(entryOf(rows, row), found, row)) missing.push(row);
      asked += count;
      for (let from = 0; from < missing.length; from += batchSize) {
        const chunk = missing.slice(from, from + batchSize);
        const made = computeChunk(
          chunk.map((row) => planRow(rows, row)),
          upcoming,
        );
        chunk.forEach((row, slot) => {
          copyRow(sizes, made, slot, found, row);
        });
      }
      return found;
    },
    // Rows that a stopped run computed ahead are no hits.
    tally: () => ({ found: Math.max(0, asked - computed), computed }),
  };
}

/** Up to `room` upcoming misses; none where they could not be cached. */
function missingAhead({ store, sizes, entryOf }: LookupParts, upcoming: Int32Array, room: number): Int32Array[] {
  if (!store.isGrowing()) return [];
  const scratch = emptyOutputs(sizes, 1);
  const count = Math.min(LOOK_AHEAD, upcoming.length / PLAN_COLUMNS);
  const missing: Int32Array[] = [];
  for (let row = 0; row < count && missing.length < room; row++) {
    if (!store.read(entryOf(upcoming, row), scratch, 0)) missing.push(planRow(upcoming, row));
  }
  return missing;
}

function copyRow(sizes: OutputSizes, from: Outputs, source: number, to: Outputs, target: number) {
  for (const [name, size] of sizes) {
    const values = rowOf(from.get(name) as Float32Array, size, source);
    rowOf(to.get(name) as Float32Array, size, target).set(values);
  }
}
