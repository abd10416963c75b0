import type { StateDict } from "../common/stateDict.js";
import type { Metadata } from "./metadata.js";

export type CheckpointFormat = "safetensors" | "pth-zip" | "pth-legacy" | "savedmodel";

/** What every reader returns. */
export interface CheckpointContent {
  readonly state: StateDict;
  readonly metadata: Metadata;
  /** Whether the file carries a checksum of its content, which then fits. */
  readonly isSealed?: boolean;
}
