import { inputError } from "../common/errors.js";
import { int64Scalar, type StateDict, type StateTensor } from "../common/stateDict.js";
import { printable } from "./stateNames.js";

export interface ExpectedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** num_batches_tracked: absent in files of PyTorch before 0.4.1, and then 0. */
  readonly isCounter: boolean;
  /** Whether another shape than `shape` will do as well; none by default. */
  readonly takes?: ((shape: readonly number[]) => boolean) | undefined;
}

const LISTED = 10;

/**
 * A model's tensors in the expected order.
 * @param origin the file and the model, for the message
 * @throws inputError that lists missing, unexpected and misshapen tensors (ten of each, then a count)
 */
export function matchState(
  expected: readonly ExpectedTensor[],
  state: StateDict,
  origin: { readonly path: string; readonly modelName: string },
): Map<string, StateTensor> {
  const matched = new Map<string, StateTensor>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const { name, shape, isCounter, takes } of expected) {
    const tensor = state.get(name) ?? (isCounter ? int64Scalar(0) : undefined);
    if (!tensor) missing.push(name);
    else if (!sameShape(tensor.shape, shape) && !takes?.(tensor.shape))
      misshapen.push(shapes(name, tensor.shape, shape));
    else matched.set(name, tensor);
  }
  const unexpected = unexpectedNames(expected, state);
  if (missing.length + misshapen.length + unexpected.length === 0) return matched;
  throw mismatch(origin, { missing, unexpected, misshapen });
}

function unexpectedNames(expected: readonly ExpectedTensor[], state: StateDict): string[] {
  const known = new Set(expected.map(({ name }) => name));
  return [...state.keys()].filter((name) => !known.has(name)).map(printable);
}

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((size, axis) => size === b[axis]);

const shapes = (name: string, found: readonly number[], wanted: readonly number[]): string =>
  `${name} is [${found.join(", ")}] instead of [${wanted.join(", ")}]`;

function mismatch(
  { path, modelName }: { readonly path: string; readonly modelName: string },
  groups: Readonly<Record<string, readonly string[]>>,
): Error {
  const lines = Object.entries(groups)
    .filter(([, names]) => names.length > 0)
    .map(([kind, names]) => `\n  ${kind} (${names.length}): ${firstFew(names)}`);
  return inputError(
    `${path} does not hold the tensors of ${modelName}:${lines.join("")}`,
    "Name the model that this file was saved from; `pefd models` lists them all.",
  );
}

function firstFew(names: readonly string[]): string {
  const more = names.length - LISTED;
  const listed = names.slice(0, LISTED).join(", ");
  return more > 0 ? `${listed} and ${more} more` : listed;
}
