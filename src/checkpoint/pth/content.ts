import { ELEMENT_BYTES, type StateTensor } from "../../common/stateDict.js";
import { type Allowance, checkOutput, metadataAllowance } from "../allowance.js";
import { damage } from "../damage.js";
import { elementCount } from "../elementCount.js";
import type { CheckpointContent } from "../formats.js";
import { type Conversion, newConversion, toPlain } from "../pickle/plainValue.js";
import { isKind, type PickleMap, type PickleTensor, type PickleValue } from "../pickle/values.js";
import { checkNames, quote } from "../stateNames.js";
import { contiguousTensor, type StorageBytes } from "./stridedTensor.js";

/** Under which names training programs put the state_dict, first choice first. */
export const WRAPPERS: readonly string[] = ["model", "state_dict", "net"];

/**
 * Finds the state_dict in what a .pth file pickles, and makes its tensors contiguous. The other top-level values that
 * are plain become metadata; the rest (an optimizer's tensors) is left out.
 * @throws an error that names the values found, when none is a state_dict
 */
export function contentOfPickle(
  root: PickleValue,
  storageBytes: StorageBytes,
  allowance: Allowance,
): CheckpointContent {
  if (!(root instanceof Map)) throw damage("its pickle holds no dict");
  const wrapper = WRAPPERS.find((name) => holdsTensors(root.get(name)));
  const stateMap = wrapper === undefined ? root : (root.get(wrapper) as PickleMap);
  const tensors = namedTensors(stateMap, wrapper);
  checkNames([...tensors.keys()]);
  checkOutput(tensors.size, bytesOf(tensors), allowance);
  const read = (name: string, tensor: PickleTensor): StateTensor =>
    contiguousTensor(name, tensor, storageBytes, allowance);
  const state = new Map(Array.from(tensors, ([name, tensor]) => [name, read(name, tensor)]));
  if (wrapper === undefined) return { state, metadata: {} };
  const conversion = newConversion(
    (tensor) => read("of its metadata", tensor),
    metadataAllowance(allowance.fileBytes),
  );
  return { state, metadata: plainValues(root, wrapper, conversion) };
}

function bytesOf(tensors: ReadonlyMap<string, PickleTensor>): number {
  let bytes = 0;
  for (const [name, { shape, storage }] of tensors)
    bytes += elementCount(name, shape) * ELEMENT_BYTES[storage.dtype];
  return bytes;
}

const holdsTensors = (value: PickleValue | undefined): boolean =>
  value instanceof Map && [...value.values()].some((item) => isKind(item, "tensor"));

function namedTensors(map: PickleMap, wrapper: string | undefined): Map<string, PickleTensor> {
  const tensors = new Map<string, PickleTensor>();
  if (!holdsTensors(map)) throw damage(`it holds no state_dict, only ${topLevelNames(map)}`);
  for (const [name, value] of map) {
    const where = wrapper === undefined ? "its state_dict" : `its ${quote(wrapper)}`;
    if (typeof name !== "string") throw damage(`${where} has a name that is no text`);
    if (!isKind(value, "tensor")) throw damage(`${where} has ${quote(name)}, which is no tensor`);
    tensors.set(name, value);
  }
  return tensors;
}

function topLevelNames(map: PickleMap): string {
  const names = [...map.keys()].slice(0, 10).map((name) => quote(asText(name)));
  return names.length === 0 ? "an empty dict" : names.join(", ");
}

const asText = (key: PickleValue): string =>
  typeof key === "string" || typeof key === "number" ? String(key) : "?";

function plainValues(
  root: PickleMap,
  wrapper: string,
  conversion: Conversion,
): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (const [name, value] of root) {
    if (name === wrapper || typeof name !== "string") continue;
    const plain = toPlain(value, conversion);
    if (plain !== undefined) entries.push([name, plain]);
  }
  return Object.fromEntries(entries);
}
