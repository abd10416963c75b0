import { sizeOf } from "#pefd/common/shapes.js";
import { type Fill, isBuffer, isCounter, isStatistic } from "#pefd/nn/builder.js";
import type { StateEntry } from "#pefd/nn/model.js";
import { type Check, checkSame, mismatch } from "../comparison.js";
import { formulaValues, roleValues, unitValue } from "../formula.js";
import { KEYS, SET_SIZE } from "./keys.js";
import type { OwnRow } from "./schema.js";

/**
 * The row that a tensor of a method's own is in the authors' code: that of its name, or of its place where their names
 * are others.
 * @param place among the method's tensors, buffers not counted
 */
function rowOf(rows: readonly OwnRow[], name: string, shape: readonly number[], place: number) {
  const placed = rows[place];
  return rows.find(([theirs]) => theirs === name) ?? (placed?.[1].join() === shape.join() ? placed : undefined);
}

/** First values of buffers, by name, in files that begin with the state of a later epoch. */
const BUFFERS: Readonly<Record<string, (shape: readonly number[]) => Float32Array>> = {
  class_prior_sums: (shape) =>
    inRows(
      formulaValues(shape, (i) => unitValue(KEYS.classPrior, i)),
      shape,
    ),
  distance: (shape) =>
    mirrored(
      formulaValues(shape, (i) => unitValue(KEYS.distance, i)),
      shape,
    ),
  centers: (shape) => formulaValues(shape, (i) => 2 * unitValue(KEYS.centers, i)),
  queue: (shape) => roleValues("linear.weight", shape, shape[1] as number, KEYS.queue),
  class_prior_weights: (shape) => new Float32Array(sizeOf(shape)).fill(1),
};

/** A square table with the upper triangle's values in both, zeros between them. */
const mirrored = (values: Float32Array, [, width = 1]: readonly number[]): Float32Array =>
  values.map((_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    if (row === column) return 0;
    return values[Math.min(row, column) * width + Math.max(row, column)] as number;
  });

/** Rows of a table divided by their sums. */
function inRows(values: Float32Array, [, width = 1]: readonly number[]): Float32Array {
  const sums = Float64Array.from({ length: values.length / width }, (_, row) =>
    values.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + value, 0),
  );
  return values.map((value, i) => value / (sums[Math.floor(i / width)] as number));
}

const zeroFill: Fill = ({ shape }) => new Float32Array(sizeOf(shape));

/** First values of a method's own tensors as its file has them; of those that it does not have, zeros. */
export function ownFill(rows: readonly OwnRow[]): Fill {
  let [place, banks] = [0, 0];
  return (tensor) => {
    const { name, role, shape } = tensor;
    if (isBuffer(role)) {
      const known = BUFFERS[name];
      if (known !== undefined) return known(shape);
      if (shape.length !== 2 || shape[0] !== SET_SIZE) return zeroFill(tensor);
      return roleValues("linear.weight", shape, shape[1] as number, KEYS.bank + banks++);
    }
    const row = rowOf(rows, name, shape, place++);
    if (row === undefined) return zeroFill(tensor);
    return roleValues(row[2], row[1], sizeOf(row[1].slice(1)), row[3]);
  };
}

/** A method's own tensors but its buffers, each with the row that it is in the authors' code. */
export const ownRows = (rows: readonly OwnRow[], state: readonly StateEntry[]) =>
  state
    .filter(({ role }) => !isBuffer(role))
    .map((entry, place) => ({ entry, row: rowOf(rows, entry.name, entry.shape, place) }));

const kindOf = (role: string): string => {
  const known = role as StateEntry["role"];
  if (isCounter(known)) return "a counter";
  return isStatistic(known) ? "a running statistic" : "a parameter";
};

/** Whether a method has the tensors of the authors' code. Those that it has not are missed where they are of use. */
export const checkOwnState = (what: string, rows: readonly OwnRow[], state: readonly StateEntry[]): Check[] =>
  ownRows(rows, state).flatMap(({ entry, row }) => {
    const of = `${what} ${entry.name}`;
    if (row === undefined) return [mismatch(of, "is no tensor of the authors' code")];
    return [checkSame(`${of} shape`, entry.shape, row[1]), checkSame(`${of} kind`, kindOf(entry.role), kindOf(row[2]))];
  });
