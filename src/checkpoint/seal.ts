import { createHash } from "node:crypto";
import type { StateDict } from "../common/stateDict.js";
import { damage } from "./damage.js";

/** SHA-256 (hex) over the bytes of all tensors in the map's order; names, shapes and types do not count. */
export function stateSha256(state: StateDict): string {
  const hash = createHash("sha256");
  for (const tensor of state.values()) hash.update(tensor.data);
  return hash.digest("hex");
}

/** Metadata name of a checksum of everything else in the file. */
const SEAL = "pefd_sha256";

const byName = <Value>(entries: ReadonlyMap<string, Value>): [string, Value][] =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

/** Over names, types, shapes and bytes of all tensors and over the metadata, in whatever order they are written. */
function checksumOf(state: StateDict, metadata: ReadonlyMap<string, string>): string {
  const tensors = byName(state);
  const described = tensors.map(([name, { dtype, shape }]) => [name, dtype, shape]);
  const hash = createHash("sha256").update(JSON.stringify([byName(metadata), described]));
  for (const [, { data }] of tensors) hash.update(data);
  return hash.digest("hex");
}

/** The metadata of a safetensors file with a checksum of the whole file's content. */
export const sealed = (state: StateDict, metadata: ReadonlyMap<string, string>): Map<string, string> =>
  new Map([...metadata, [SEAL, checksumOf(state, metadata)]]);

/** The metadata without the checksum, and whether there is one. @throws an error where the content does not fit it */
export function unsealed(
  state: StateDict,
  metadata: ReadonlyMap<string, string>,
): { metadata: ReadonlyMap<string, string>; isSealed: boolean } {
  const checksum = metadata.get(SEAL);
  if (checksum === undefined) return { metadata, isSealed: false };
  const others = new Map([...metadata].filter(([name]) => name !== SEAL));
  if (checksumOf(state, others) === checksum) return { metadata: others, isSealed: true };
  throw damage("its content does not match its checksum");
}
