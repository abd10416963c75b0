import type { DatasetRow } from "../data/dataset.js";
import type { Method } from "../distill/method.js";
import type { ModelRow } from "../models/types.js";

/** What a plug-in brings: rows as those of the program's own methods, models and data sets. */
export interface Plugin {
  readonly methods?: readonly Method[];
  readonly models?: readonly ModelRow[];
  readonly datasets?: readonly DatasetRow[];
  /** Files that it reads or loads later, from its own folder on: a run depends on them as on the plug-in itself. */
  readonly files?: readonly string[];
}

/** What a plug-in's file exports as its default; inside of it the rows have their types. */
export const definePlugin = (plugin: Plugin): Plugin => plugin;
