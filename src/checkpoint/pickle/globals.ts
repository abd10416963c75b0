import type { ElementType } from "../../common/stateDict.js";
import { damage } from "../damage.js";
import { quote } from "../stateNames.js";
import { addPairs } from "./machine.js";
import { numpyDtype, numpyScalar } from "./numpyScalar.js";
import {
  isKind,
  itemsOf,
  type PickleMap,
  type PickleStorage,
  type PickleTensor,
  type PickleValue,
} from "./values.js";

/** The element type of each torch.*Storage; what is missing (complex, quantised, untyped) is refused by name. */
const STORAGES: Readonly<Record<string, ElementType>> = {
  "torch.DoubleStorage": "F64",
  "torch.FloatStorage": "F32",
  "torch.HalfStorage": "F16",
  "torch.BFloat16Storage": "BF16",
  "torch.LongStorage": "I64",
  "torch.IntStorage": "I32",
  "torch.ShortStorage": "I16",
  "torch.CharStorage": "I8",
  "torch.ByteStorage": "U8",
  "torch.BoolStorage": "BOOL",
};

type Call = (args: readonly PickleValue[]) => PickleValue;

/** Everything a pickle may call, with our own code in the place of Python's. */
const CALLS: Readonly<Record<string, Call>> = {
  "collections.OrderedDict": ([pairs]) => mapOfPairs(itemsOf(pairs) ?? []),
  "builtins.set": ([items]) => new Set(itemsOf(items) ?? []),
  "builtins.frozenset": ([items]) => new Set(itemsOf(items) ?? []),
  "builtins.bytes": () => new Uint8Array(0),
  "_codecs.encode": ([text, encoding]) => encodeLatin1(text, encoding),
  "torch.Size": ([sizes]) => ({ kind: "tuple", items: itemsOf(sizes) ?? [] }),
  "torch._utils._rebuild_tensor": rebuildTensor,
  "torch._utils._rebuild_tensor_v2": rebuildTensor,
  "torch._utils._rebuild_parameter": ([tensor]) => expectTensor(tensor),
  "numpy.dtype": numpyDtype,
  "numpy.core.multiarray.scalar": numpyScalar,
  "argparse.Namespace": () => ({ kind: "namespace", fields: new Map() }),
  "copyreg._reconstructor": ([type]) => reconstruct(type),
};

/** Names that may stand in a pickle but are never called. */
const MARKERS: readonly string[] = ["builtins.object", ...Object.keys(STORAGES)];

/** Modules that Python or numpy renamed, and the place of storages that were saved from a GPU. */
const RENAMED: Readonly<Record<string, string>> = {
  __builtin__: "builtins",
  copy_reg: "copyreg",
  "numpy._core.multiarray": "numpy.core.multiarray",
  "torch.cuda": "torch",
};

/**
 * Looks a name of a pickle up in the allow-list.
 * @throws an error that names it, when it is not there; nothing of it is ever run
 */
export function resolveGlobal(module: string, name: string): PickleValue {
  const place = Object.hasOwn(RENAMED, module) ? RENAMED[module] : module;
  const resolved = `${place}.${name}`;
  if (!Object.hasOwn(CALLS, resolved) && !MARKERS.includes(resolved)) throw refusal(module, name);
  return { kind: "global", name: resolved };
}

const refusal = (module: string, name: string): Error =>
  damage(
    `its pickle asks for the Python object ${quote(`${module}.${name}`)}, which is neither a tensor nor a plain value; it was refused and nothing was run`,
    "If the file is your own, save its state_dict alone from Python: torch.save(model.state_dict(), PATH).",
  );

/** Does what Python would do for `callable(*args)`, for names of the allow-list only. */
export function callGlobal(
  callable: PickleValue | undefined,
  args: readonly PickleValue[],
): PickleValue {
  if (!isKind(callable, "global")) throw damage("its pickle calls something that is no function");
  if (!Object.hasOwn(CALLS, callable.name)) throw damage(`its pickle calls ${callable.name}`);
  return (CALLS[callable.name] as Call)(args);
}

/**
 * A storage from torch's persistent id: ("storage", type, key, device, count) and, in the legacy format, a view
 * (key, start, count) of it or None.
 */
export function storageOf(id: PickleValue): PickleStorage {
  const [tag, type, key, , count, view] = isKind(id, "tuple") ? id.items : [];
  const dtype = isKind(type, "global") ? STORAGES[type.name] : undefined;
  if (tag !== "storage" || !dtype || typeof key !== "string" || !isCount(count))
    throw damage("its pickle names a storage in an unknown way");
  const start = isKind(view, "tuple") ? view.items[1] : 0;
  if (!isCount(start)) throw damage("its pickle names a view of a storage in an unknown way");
  return { kind: "storage", key, dtype, count, start };
}

const isCount = (value: PickleValue | undefined): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** Python 2 wrote an OrderedDict as a list of [key, value] lists. */
function mapOfPairs(pairs: readonly PickleValue[]): PickleMap {
  const map: PickleMap = new Map();
  for (const pair of pairs) addPairs(map, pairOf(pair));
  return map;
}

function pairOf(value: PickleValue): readonly PickleValue[] {
  const pair = Array.isArray(value) || isKind(value, "tuple") ? itemsOf(value) : undefined;
  if (pair?.length !== 2)
    throw damage("its pickle makes an OrderedDict of something that is no pair of name and value");
  return pair;
}

function encodeLatin1(
  text: PickleValue | undefined,
  encoding: PickleValue | undefined,
): Uint8Array {
  if (typeof text !== "string" || encoding !== "latin1")
    throw damage("its pickle encodes bytes in an unknown way");
  return Uint8Array.from(Buffer.from(text, "latin1"));
}

const MAX_RANK = 64;

function rebuildTensor(args: readonly PickleValue[]): PickleTensor {
  const [storage, offset, size, stride] = args;
  if (args[6] instanceof Map && args[6].size > 0)
    throw damage("it holds a conjugated or negated view of a tensor, which is not supported");
  const [shape, strides] = [itemsOf(size), itemsOf(stride)];
  if (!isKind(storage, "storage") || !isCount(offset) || !shape || !strides)
    throw damage("its pickle describes a tensor without a storage, offset, size or stride");
  if (shape.length !== strides.length || shape.length > MAX_RANK)
    throw damage(`its pickle has a tensor of ${shape.length} sizes and ${strides.length} strides`);
  if (!shape.every(isCount) || !strides.every(isCount))
    throw damage("its pickle describes a tensor with a negative size or stride");
  return { kind: "tensor", storage, offset, shape, strides };
}

function expectTensor(value: PickleValue | undefined): PickleTensor {
  if (!isKind(value, "tensor")) throw damage("its pickle makes a parameter of something else");
  return value;
}

/** Protocols 0 and 1 make an empty object this way and fill it with BUILD. */
function reconstruct(type: PickleValue | undefined): PickleValue {
  if (!isKind(type, "global") || type.name !== "argparse.Namespace")
    throw damage("its pickle reconstructs an object that is no argparse.Namespace");
  return { kind: "namespace", fields: new Map() };
}
