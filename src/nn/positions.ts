/** Sides of a grid of positions. */
export type Grid = readonly [height: number, width: number];

/** The cubic kernel of antialiased resizing in torch, which is Pillow's: a = -0.5. */
function cubic(at: number): number {
  const x = Math.abs(at);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/** Weights of the elements that each of `to` elements is made of, with the index of the first. */
function weightsOf(from: number, to: number) {
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = scale * (i + 0.5);
    const first = Math.max(Math.floor(centre - 2 * stretch + 0.5), 0);
    const end = Math.min(Math.floor(centre + 2 * stretch + 0.5), from);
    const weights = Array.from({ length: end - first }, (_, j) => cubic((j + first - centre + 0.5) / stretch));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/** Resizes the middle axis of values [before, from, after] in C order. */
function resizedAxis(values: Float64Array, from: number, to: number, after: number): Float64Array {
  const before = values.length / (from * after);
  const result = new Float64Array(before * to * after);
  for (const [i, { first, weights }] of weightsOf(from, to).entries()) {
    for (const [j, weight] of weights.entries()) {
      for (let b = 0; b < before; b++) {
        const [target, source] = [(b * to + i) * after, (b * from + first + j) * after];
        for (let c = 0; c < after; c++) {
          result[target + c] = (result[target + c] as number) + weight * (values[source + c] as number);
        }
      }
    }
  }
  return result;
}

/**
 * Resizes a grid of vectors [H, W, C] as timm resizes position embeddings: bicubic, with antialiasing
 * (torch.nn.functional.interpolate), computed in float64.
 */
export function resizedGrid(values: Float32Array, [height, width]: Grid, to: Grid, channels: number): Float32Array {
  const rows = resizedAxis(Float64Array.from(values), width, to[1], channels);
  return Float32Array.from(resizedAxis(rows, height, to[0], to[1] * channels));
}

/** Side of the square of patches in a number of tokens, of which two at most are no patch's. */
const sideOf = (tokens: number): number => Math.floor(Math.sqrt(tokens));

const prefixes = (tokens: number): number => tokens - sideOf(tokens) ** 2;

type Shape = readonly number[];

/** Whether position embeddings [1, L, C] are those of another image size. */
export const canResize = ([, from = 0, channels]: Shape, [, to = 0, others]: Shape): boolean =>
  channels === others && prefixes(from) === prefixes(to);

/** Position embeddings [1, L, C] for another number of patches; those of class and distillation token stay. */
export function resizedPositions(values: Float32Array, [, from = 0, channels = 0]: Shape, to: Shape): Float32Array {
  const [, length = 0] = to;
  if (from === length) return values;
  const kept = prefixes(from) * channels;
  const [before, after] = [sideOf(from), sideOf(length)];
  const result = new Float32Array(length * channels);
  result.set(values.subarray(0, kept));
  result.set(resizedGrid(values.subarray(kept), [before, before], [after, after], channels), kept);
  return result;
}
