import { createHash } from "node:crypto";
import type { StateDict } from "../common/stateDict.js";

/** SHA-256 (hex) over the bytes of all tensors in the map's order; names, shapes and types do not count. */
export function stateSha256(state: StateDict): string {
  const hash = createHash("sha256");
  for (const tensor of state.values()) hash.update(tensor.data);
  return hash.digest("hex");
}
