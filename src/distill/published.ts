import type { Method } from "./method.js";
import { ownOptions } from "./open.js";
import type { TeacherView } from "./views.js";
import type { LossWeights } from "./weights.js";

/** Groups by what methods compare: logits, class maps, pooled vectors, or maps. */
type Group = "logits" | "classMaps" | "vectors" | "maps";

const isOfMaps = (view: TeacherView): boolean => view !== "logits" && view !== "pooled";

/**
 * The group of a method: the folder in methods/ that its file is in, and the one in test/golden/methods of its golden file.
 * It follows from the row's views, with default options.
 */
export function groupOf(method: Method): Group {
  if (method.ofClassMaps !== undefined) return "classMaps";
  const sees = method.sees(ownOptions(method, {}));
  if (sees.some(isOfMaps)) return "maps";
  return sees.includes("pooled") ? "vectors" : "logits";
}

/** A method's published settings for one pair. */
export interface PairSetting {
  readonly weights: LossWeights;
  /** Options with other values than the defaults: its own, and the run's such as epochs. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Whether the row has settings for this pair. */
  readonly isOwn: boolean;
}

/**
 * The published weights and own options for a pair; by default those of the method.
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

/** A method's golden files in test/golden, without extension. */
export const goldenOf = (method: Method): readonly string[] =>
  method.golden ?? [`methods/${groupOf(method)}/${method.name}`];
