/** Number of elements of a shape; 1 for a scalar. */
export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((size, dimension) => size * dimension, 1);

/**
 * Copies a 4-dimensional array so that axis `order[i]` of the input becomes axis i of the output.
 * @param values C order, shape `shape`
 */
export function permute4(
  values: Float32Array,
  shape: readonly number[],
  order: readonly [number, number, number, number],
): Float32Array {
  const strides = [1, 1, 1, 1];
  for (let axis = 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] as number) * (shape[axis + 1] as number);
  }
  const [d0, d1, d2, d3] = order.map((axis) => shape[axis] as number) as [
    number,
    number,
    number,
    number,
  ];
  const [s0, s1, s2, s3] = order.map((axis) => strides[axis] as number) as [
    number,
    number,
    number,
    number,
  ];
  const out = new Float32Array(values.length);
  let next = 0;
  for (let a = 0; a < d0; a++) {
    for (let b = 0; b < d1; b++) {
      for (let c = 0; c < d2; c++) {
        let from = a * s0 + b * s1 + c * s2;
        for (let d = 0; d < d3; d++, from += s3) out[next++] = values[from] as number;
      }
    }
  }
  return out;
}
