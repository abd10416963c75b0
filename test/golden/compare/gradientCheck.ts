import {
  type Check,
  checkNumber,
  checkNumbers,
  mismatch,
  RELATIVE,
  withinRelative,
  withinScale,
} from "./comparison.js";
import type { ModelGolden } from "./schema.js";
import { norm, probes } from "./summary.js";

/**
 * Gradients jump where an activation lies within rounding of zero, and a kernel that adds up in another order finds it on
 * the other side: one of wrn_16_2, 3e-7 instead of -4e-6, moves an element of the first gradient by 1.05 percent of the
 * root mean square. Up to one percent of a norm and two of an element is no defect.
 */
const JUMP_OF_NORM = 0.01;
const JUMP_OF_ELEMENT = 0.02;

/**
 * A gradient that is zero in real arithmetic is rounding noise here; its norm may be this, or five times what the
 * reference had.
 */
const ZERO_NORM = 1e-5;

/** What a golden file says of gradients, by parameter. */
export interface GradientsGolden {
  readonly stateDict: ModelGolden["stateDict"];
  /** Whether no activation jumps, nor a derivative of one: all bounds are tight then. */
  readonly smooth?: boolean;
  readonly norms: Readonly<Record<string, number>>;
  readonly zero: readonly string[];
  /** Elements that are zero in exact arithmetic, from one to before another; in files they are 0. */
  readonly zeroRange?: Readonly<Record<string, readonly [from: number, to: number]>>;
  readonly first4: Readonly<Record<string, readonly number[]>>;
  readonly probe8?: Readonly<Record<string, readonly number[]>>;
  readonly spread: {
    readonly norm: number;
    readonly zero: number;
    readonly elements: Readonly<Record<string, number>>;
  };
}

/**
 * Compares the gradients of a training pass. The classifier sees no jumps: its bound is tight.
 * @param gradients by parameter, in PyTorch's layout
 */
export function checkGradients(golden: GradientsGolden, gradients: ReadonlyMap<string, Float32Array>): Check[] {
  const { norms, zero, zeroRange = {}, first4, probe8 = {} } = golden;
  const isZero = new Set(zero);
  const rest = new Map(gradients);
  const ranges = Object.entries(zeroRange).map(([name, [from, to]]) => {
    const values = gradients.get(name)?.slice() ?? new Float32Array();
    const part = values.slice(from, to);
    rest.set(name, values.fill(0, from, to));
    return checkZero(golden, name, part);
  });
  return [
    ...ranges,
    ...Object.entries(norms).map(([name, expected]) =>
      isZero.has(name) ? checkZero(golden, name, rest.get(name)) : checkNorm(golden, name, rest.get(name), expected),
    ),
    ...Object.entries(first4).map(([name, expected]) =>
      checkElements(golden, name, expected, rest.get(name), "First4", (values) => values.subarray(0, 4)),
    ),
    ...Object.entries(probe8).map(([name, expected]) =>
      checkElements(golden, name, expected, rest.get(name), "Probe8", probes),
    ),
  ];
}

/** The last parameters of every model are its classifier's weight and bias. */
const isClassifier = ({ stateDict }: GradientsGolden, name: string): boolean =>
  stateDict.slice(-2).some(([last]) => last === name);

const hasNoJumps = (golden: GradientsGolden, name: string): boolean =>
  golden.smooth === true || isClassifier(golden, name);

function checkZero({ spread }: GradientsGolden, name: string, values: Float32Array | undefined): Check {
  const what = `train.gradZero ${name}`;
  if (values === undefined) return mismatch(what, "has no gradient");
  return checkNumber(what, norm(values), 0, () => Math.max(ZERO_NORM, 5 * spread.zero));
}

function checkNorm(golden: GradientsGolden, name: string, values: Float32Array | undefined, expected: number): Check {
  const what = `train.gradL2 ${name}`;
  if (values === undefined) return mismatch(what, "has no gradient");
  const least = hasNoJumps(golden, name) ? RELATIVE : JUMP_OF_NORM;
  const spread = isClassifier(golden, name) ? 0 : golden.spread.norm;
  return checkNumber(what, norm(values), expected, withinRelative(spread, least));
}

function checkElements(
  golden: GradientsGolden,
  name: string,
  expected: readonly number[],
  values: Float32Array | undefined,
  kind: "First4" | "Probe8",
  choose: (values: Float32Array) => ArrayLike<number>,
): Check {
  const what = `train.grad${kind} ${name}`;
  const length = golden.norms[name];
  if (values === undefined || length === undefined) return mismatch(what, "has no gradient");
  const fraction = hasNoJumps(golden, name) ? RELATIVE : JUMP_OF_ELEMENT;
  const scale = length / Math.sqrt(values.length);
  return checkNumbers(what, choose(values), expected, withinScale(golden.spread.elements[name] ?? 0, fraction, scale));
}
