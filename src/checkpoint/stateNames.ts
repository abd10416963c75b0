import type { StateDict } from "../common/stateDict.js";
import { damage } from "./damage.js";

/** Elements of a tensor. @throws an error that names it where its sizes, zeros aside, overflow when multiplied */
export function elementCount(name: string, shape: readonly number[]): number {
  const product = shape.reduce((count, size) => count * Math.max(size, 1), 1);
  if (!Number.isSafeInteger(product))
    throw damage(`the tensor ${printable(name)} has sizes whose product is ${product}`);
  return shape.includes(0) ? 0 : product;
}

/** Networks have hundreds of tensors; every format of ours can hold this many. */
const MAX_TENSORS = 10_000;

const MAX_NAME_LENGTH = 1000;

/** @throws an error for more tensors, or longer names, than any network has */
export function checkNames(names: readonly string[]): void {
  if (names.length > MAX_TENSORS) throw damage(`it holds ${names.length} tensors; up to ${MAX_TENSORS} can be read`);
  const long = names.find((name) => name.length > MAX_NAME_LENGTH);
  if (long !== undefined) throw damage(`it names a tensor by ${long.length} characters: ${quote(long)}`);
}

const LEADING_PREFIXES = /^(?:module\.)*/;

/** Without the prefix that torch.nn.DataParallel puts before every name (once per wrapping). */
export function stripModulePrefix(state: StateDict): StateDict {
  let shared = Number.POSITIVE_INFINITY;
  for (const name of state.keys()) shared = Math.min(shared, prefixLength(name));
  if (state.size === 0 || shared === 0) return state;
  return new Map(Array.from(state, ([name, tensor]) => [name.slice(shared), tensor]));
}

const prefixLength = (name: string): number => LEADING_PREFIXES.exec(name)?.[0].length ?? 0;

/** torchvision's DenseNet once called the layers of a dense layer norm.1, conv.1, norm.2 and conv.2. */
const EARLY_DENSENET = /^(.*denselayer\d+\.(?:norm|conv))\.([12]\.\w+)$/;

/** With today's names, as torchvision renames its early files; a name that is there already keeps its tensor. */
export function currentNames(state: StateDict): StateDict {
  const renamed = (name: string): string => {
    const current = name.replace(EARLY_DENSENET, "$1$2");
    return state.has(current) ? name : current;
  };
  return new Map(Array.from(state, ([name, tensor]) => [renamed(name), tensor]));
}

/** A name from a file as it may stand in a message: quoted, escaped, not endless. */
export const quote = (name: string): string => JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}...` : name);

/** Plain names as they are, others quoted. */
export const printable = (name: string): string => (/^[\w.-]{1,100}$/.test(name) ? name : quote(name));
