import type { Method } from "./method.js";
import { ownOptions } from "./open.js";
import type { TeacherView } from "./views.js";

/** What methods compare: logits, logits of places of a map, pooled vectors, or maps. */
export type Group = "logits" | "classMaps" | "vectors" | "maps";

const isOfMaps = (view: TeacherView): boolean => view !== "logits" && view !== "pooled";

/**
 * The group of a method: the folder in methods/ that its file is in, and the one in test/golden/methods of its golden file.
 * It follows from what the row says that it looks at, with its options as by default.
 */
export function groupOf(method: Method): Group {
  if (method.ofClassMaps !== undefined) return "classMaps";
  const sees = method.sees(ownOptions(method, {}));
  if (sees.some(isOfMaps)) return "maps";
  return sees.includes("pooled") ? "vectors" : "logits";
}
