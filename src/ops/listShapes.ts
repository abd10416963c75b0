import type { Shape, ShapeRule } from "./shapes.js";

/** An axis that counts from the end where it is negative. @param rank of what it is an axis of */
const fromStart = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const without = (shape: Shape, axes: readonly number[]): Shape =>
  shape.filter((_, axis) => !axes.includes(axis));

/** A shape with one more axis. */
const inserted = (shape: Shape, axis: number, size: number): Shape =>
  shape.toSpliced(axis, 0, size);

/** The place of the largest or smallest along the axis that the second input holds. */
export const placeAlong: ShapeRule = ({ shapes: [x = []], constant }) => {
  const [axis] = constant(1) ?? [];
  return axis === undefined ? undefined : [without(x, [fromStart(axis, x.length)])];
};

/** The largest along the last axis, as many as the second input says, and their places. */
export const largest: ShapeRule = ({ shapes: [x = []], constant }) => {
  const [count] = constant(1) ?? [];
  if (count === undefined || x.length === 0) return undefined;
  const shape = x.with(-1, count);
  return [shape, shape];
};

/** One more axis, of size 1, at the place that the second input holds. */
export const expanded: ShapeRule = ({ shapes: [x = []], constant }) => {
  const [axis] = constant(1) ?? [];
  return axis === undefined ? undefined : [inserted(x, fromStart(axis, x.length + 1), 1)];
};

/** Without axes of size 1: those that an attribute names, or all. */
export const squeezed: ShapeRule = ({ shapes: [x = []], attribute }) => {
  const named = (attribute("squeeze_dims") ?? []) as readonly number[];
  const axes = named.map((axis) => fromStart(axis, x.length));
  return [axes.length > 0 ? without(x, axes) : x.filter((size) => size !== 1)];
};

/** Tensors one after the other along the axis that the first input holds. */
export const concatenationFirst: ShapeRule = ({ shapes: [, ...parts], constant }) => {
  const [axis] = constant(0) ?? [];
  const first = parts[0];
  if (axis === undefined || first === undefined) return undefined;
  const total = parts.reduce((sum, part) => sum + (part.at(axis) as number), 0);
  return [first.with(axis, total)];
};

/** Tensors of one shape along a new axis. */
export const stacked: ShapeRule = ({ shapes, attribute }) => {
  const [first = []] = shapes;
  const axis = fromStart((attribute("axis") as number | undefined) ?? 0, first.length + 1);
  return [inserted(first, axis, shapes.length)];
};

/** The parts of a tensor along an axis, each without it. */
export const unstacked: ShapeRule = ({ shapes: [x = []], attribute }) => {
  const axis = fromStart((attribute("axis") as number | undefined) ?? 0, x.length);
  const part = without(x, [axis]);
  return Array.from({ length: attribute("num") as number }, () => part);
};

/** Sums over the places that the second input gives one number each; the third says how many numbers there are. */
export const segments: ShapeRule = ({ shapes: [x = [], places = []], constant }) => {
  const [count] = constant(2) ?? [];
  return count === undefined ? undefined : [[count, ...x.slice(places.length)]];
};

/** Whole numbers from the first input to below the second, in steps of the third. */
export const counted: ShapeRule = ({ constant }) => {
  const [[start], [limit], [delta]] = [constant(0) ?? [], constant(1) ?? [], constant(2) ?? []];
  if (start === undefined || limit === undefined || delta === undefined) return undefined;
  return [[Math.max(0, Math.ceil((limit - start) / delta))]];
};

/** One more axis, of the size that the second input holds. */
export const oneHot: ShapeRule = ({ shapes: [indices = []], constant, attribute }) => {
  const [depth] = constant(1) ?? [];
  const axis = fromStart((attribute("axis") as number | undefined) ?? -1, indices.length + 1);
  return depth === undefined ? undefined : [inserted(indices, axis, depth)];
};
