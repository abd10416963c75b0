import type { DatasetRow } from "../data/dataset.js";
import type { Method } from "../distill/method.js";
import type { ModelRow } from "../models/types.js";

/** A plug-in: rows like those of pefd's own methods, models and data sets. */
export interface Plugin {
  readonly methods?: readonly Method[];
  readonly models?: readonly ModelRow[];
  readonly datasets?: readonly DatasetRow[];
  /** Files that it reads or loads later, relative to its folder: runs depend on them, too. */
  readonly files?: readonly string[];
}

/** Types the default export of a plug-in's file. */
export const definePlugin = (plugin: Plugin): Plugin => plugin;
