import { parseBoundedJson } from "../common/boundedJson.js";
import type { StateDict } from "../common/stateDict.js";

export type CheckpointFormat = "safetensors" | "pth-zip" | "pth-legacy" | "savedmodel";

export interface CheckpointContent {
  readonly state: StateDict;
  readonly metadata: Metadata;
  /** Whether the file carries a checksum of its content, which fits. */
  readonly isSealed?: boolean;
}

/** What a checkpoint says besides its tensors: plain values (epoch, accuracy, options) by name. */
export type Metadata = Readonly<Record<string, unknown>>;

/** Metadata as safetensors' strings: JSON for all but strings, and for strings such as "240" that read as JSON. */
export function encodeMetadata(metadata: Metadata): Map<string, string> {
  const entries = Object.entries(metadata).filter(([, value]) => value !== undefined);
  return new Map(entries.map(([key, value]) => [key, encodeValue(value)]));
}

/** The inverse of encodeMetadata; strings that are not JSON (another program's), or endlessly nested, stay strings. */
export function decodeMetadata(metadata: ReadonlyMap<string, string>): Metadata {
  return Object.fromEntries([...metadata].map(([key, text]) => [key, decodeValue(text)]));
}

function encodeValue(value: unknown): string {
  if (typeof value === "string") return decodeValue(value) === value ? value : JSON.stringify(value);
  return JSON.stringify(value);
}

function decodeValue(text: string): unknown {
  try {
    return parseBoundedJson(text);
  } catch {
    return text;
  }
}
