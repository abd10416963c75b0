import type { Method } from "./method.js";
import { ownOptions } from "./open.js";
import type { TeacherView } from "./views.js";
import type { LossWeights } from "./weights.js";

/** What methods compare: logits, logits of places of a map, pooled vectors, or maps. */
type Group = "logits" | "classMaps" | "vectors" | "maps";

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

/** What a method was published with for one pair. */
export interface PairSetting {
  readonly weights: LossWeights;
  /** Options that have another value than by default: its own, and the run's such as epochs. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Whether the row says anything of this pair. */
  readonly isOwn: boolean;
}

/**
 * The published weights and own options for a pair; those of the method where it says nothing of the pair.
 * @param pair TEACHER-STUDENT
 */
export function publishedSetting({ weights, published = [] }: Method, pair: string): PairSetting {
  const own = published.filter(({ pairs }) => pairs.includes(pair));
  return {
    weights: Object.assign({ ...weights }, ...own.map((setting) => setting.weights)),
    options: Object.assign({}, ...own.flatMap(({ options, defaults }) => [defaults, options])),
    isOwn: own.length > 0,
  };
}

/** The year that a method's paper ends with. @throws Error where it has none (a defect of the row) */
export function yearOf({ name, paper }: Pick<Method, "name" | "paper">): number {
  const year = /\b(\d{4})$/.exec(paper)?.[1];
  if (year === undefined) throw new Error(`The paper of ${name} does not end with its year.`);
  return Number(year);
}

/** Files of test/golden, without their ending, that a method is held against; `npm test` compares all of them. */
export const goldenOf = (method: Method): readonly string[] =>
  method.golden ?? [`methods/${groupOf(method)}/${method.name}`];
