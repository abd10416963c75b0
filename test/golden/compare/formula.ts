import { sizeOf } from "#pefd/common/shapes.js";
import type { Fill, TensorDescription } from "#pefd/nn/builder.js";
import type { Role } from "#pefd/nn/model.js";

/** A mix of 32 bits; the reference computes the same in Python. */
function hash32(input: number): number {
  let x = input >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * The reproducible value in [0, 1) that golden files use in place of stored weights and inputs.
 * @param key which tensor
 * @param index flat index in PyTorch's layout
 */
export const unitValue = (key: number, index: number): number =>
  hash32((Math.imul(key, 2654435761) + index) >>> 0) / 2 ** 32;

/** The same in [-1, 1). */
export const signedValue = (key: number, index: number): number => 2 * unitValue(key, index) - 1;

/** Values of a tensor in C order, worked out in float64 and rounded once. */
export const formulaValues = (shape: readonly number[], value: (index: number) => number): Float32Array =>
  Float32Array.from({ length: sizeOf(shape) }, (_, index) => value(index));

type ElementRule = (signed: number, fanIn: number) => number;

const weight: ElementRule = (signed, fanIn) => signed * Math.sqrt(3 / fanIn);
const small: ElementRule = (signed) => signed * 0.1;
const half: ElementRule = (signed) => signed * 0.5;
const aroundOne: ElementRule = (signed) => 1 + signed * 0.1;

/** By role as golden files spell it: those of models, and those of tensors that only methods have. */
const RULES: Readonly<Record<string, ElementRule>> = {
  "conv.weight": weight,
  "convT.weight": weight,
  "linear.weight": weight,
  "conv.bias": small,
  "convT.bias": small,
  "linear.bias": small,
  "bn.weight": aroundOne,
  "bn.bias": small,
  "ln.weight": aroundOne,
  "ln.bias": small,
  "affine.alpha": aroundOne,
  "affine.beta": small,
  cls_token: half,
  dist_token: half,
  pos_embed: half,
  layer_scale: (signed) => 0.5 + signed * 0.2,
  "bn.running_mean": small,
  "bn.running_var": (signed) => 1 + signed * 0.5,
  "bn.num_batches_tracked": () => 0,
  parameter: small,
  log_scale: (signed) => Math.log(Math.exp(5 - 1e-5) - 1) + signed * 0.1,
  global_T: aroundOne,
  alpha: aroundOne,
  buffer: small,
  one: () => 1,
  zero: () => 0,
} satisfies Readonly<Record<Role, ElementRule>> & Readonly<Record<string, ElementRule>>;

/** A tensor of a role by the formula. @throws Error for a role that no golden file has */
export function roleValues(role: string, shape: readonly number[], fanIn: number, key: number): Float32Array {
  const rule = RULES[role];
  if (rule === undefined) throw new Error(`The formula knows no role ${role}.`);
  return formulaValues(shape, (i) => rule(signedValue(key, i), fanIn));
}

/** First values as golden files have them. @param firstKey key of the tensor at position 0 */
export const formulaFill =
  (firstKey = 0): Fill =>
  ({ role, shape, fanIn, position }: TensorDescription) =>
    roleValues(role, shape, fanIn, firstKey + position);

/** Key of the first projector's weight; its bias and the next projectors follow one by one. */
export const PROJECTOR_KEY = 5000;
