import { lstatSync, readlinkSync } from "node:fs";
import { basename, dirname } from "node:path";
import { dependencies } from "../paths.js";
import { treeDirectory } from "./tree.js";
import { RUNTIME_KINDS, type RuntimeKind } from "./wheels.js";

/** The runtime that a native folder (nativeFolder.ts) is linked to. */
export interface LinkedRuntime {
  /** Its folder in a cache. */
  readonly tree: string;
  readonly kind: RuntimeKind;
  /** The cache folder it lies in: not necessarily the one in use now. */
  readonly cache: string;
}

/**
 * The runtime that the link of a native folder leads to; whether it is complete is another question.
 * @returns undefined where there is no link, or one to something else
 */
export function linkedRuntime(nativeFolder: string): LinkedRuntime | undefined {
  const link = dependencies(nativeFolder);
  if (!lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) return undefined;
  const tree = readlinkSync(link);
  const kind = RUNTIME_KINDS.find((known) => basename(treeDirectory("", known)) === basename(tree));
  return kind && { tree, kind, cache: dirname(dirname(tree)) };
}
