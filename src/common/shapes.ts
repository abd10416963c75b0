/** Number of elements of a shape; 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dimension) => size * dimension, 1);

/** An axis of a copied array: its size, and its strides before and after. */
type Axis = { readonly size: number; readonly from: number; readonly to: number };

/** C-order strides; an empty axis counts as 1, as in PyTorch. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] as number) * Math.max(shape[axis + 1] as number, 1);
  }
  return strides;
}

/** Permutes a 4-dimensional array: axis `order[i]` of the input becomes axis i. @param values C order, shape `shape` */
export function permute4(
  values: Float32Array,
  shape: readonly number[],
  order: readonly [number, number, number, number],
): Float32Array {
  const [strides, sizes] = [stridesOf(shape), order.map((axis) => shape[axis] as number)];
  const places = stridesOf(sizes);
  const axes = order.map(
    (axis, i): Axis => ({ size: sizes[i] as number, from: strides[axis] as number, to: places[i] as number }),
  );
  const inner = axes.pop() as Axis;
  // Inner loops read adjacent values, which are still cached.
  const [a, b, c] = axes.sort((one, other) => other.from - one.from) as [Axis, Axis, Axis];
  const out = new Float32Array(values.length);
  for (let i = 0; i < a.size; i++) {
    for (let j = 0; j < b.size; j++) {
      for (let k = 0; k < c.size; k++) {
        let from = i * a.from + j * b.from + k * c.from;
        const first = i * a.to + j * b.to + k * c.to;
        for (let to = first; to < first + inner.size; to++, from += inner.from) out[to] = values[from] as number;
      }
    }
  }
  return out;
}
