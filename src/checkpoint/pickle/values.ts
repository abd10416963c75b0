import type { ElementType } from "../../common/stateDict.js";

/** A Python tuple; lists are arrays. */
export interface PickleTuple {
  readonly kind: "tuple";
  readonly items: readonly PickleValue[];
}

/** A name of the allow-list, before it is called. */
export interface PickleGlobal {
  readonly kind: "global";
  readonly name: string;
}

/** An argparse.Namespace, read as the plain map it is. */
export interface PickleNamespace {
  readonly kind: "namespace";
  readonly fields: PickleMap;
}

/** A numpy dtype, which occurs only inside numpy scalars. */
export interface PickleDtype {
  readonly kind: "dtype";
  readonly code: string;
  byteOrder: string;
}

/** A storage by its key in the file: `count` elements, of which `start` come before the part that is meant. */
export interface PickleStorage {
  readonly kind: "storage";
  readonly key: string;
  readonly dtype: ElementType;
  readonly count: number;
  readonly start: number;
}

/** A tensor as PyTorch describes it: a strided view, in elements, of a storage. */
export interface PickleTensor {
  readonly kind: "tensor";
  readonly storage: PickleStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

export type PickleObject =
  | PickleTuple
  | PickleGlobal
  | PickleNamespace
  | PickleDtype
  | PickleStorage
  | PickleTensor;

export type PickleMap = Map<PickleValue, PickleValue>;

/** Everything the restricted unpickler can produce. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Set<PickleValue>
  | PickleMap
  | PickleObject;

/** Narrows to one kind of object, e.g. `isKind(value, "tensor")`. */
export function isKind<K extends PickleObject["kind"]>(
  value: PickleValue | undefined,
  kind: K,
): value is Extract<PickleObject, { kind: K }> {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === kind;
}

/** The members of a list, tuple or set; undefined for everything else. */
export function itemsOf(value: PickleValue | undefined): readonly PickleValue[] | undefined {
  if (Array.isArray(value)) return value;
  if (value instanceof Set) return [...value];
  return isKind(value, "tuple") ? value.items : undefined;
}
