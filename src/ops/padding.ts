/** Along one axis: pixels between windows, pixels in front of the first, and pixels of a window. */
export interface WindowGeometry {
  readonly stride: number;
  readonly padding: number;
  readonly kernelSize: number;
}

/** Zeros in front of and behind the pixels of one axis, as many as the windows reach. */
export function zerosAround(
  { stride, padding, kernelSize }: WindowGeometry,
  size: number,
  windows: number,
): [before: number, after: number] {
  const reached = (windows - 1) * stride + kernelSize;
  return [padding, Math.max(0, reached - padding - size)];
}
