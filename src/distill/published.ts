import type { Method } from "./method.js";
import { ownOptions } from "./open.js";
import type { TeacherView } from "./views.js";
import type { LossWeights } from "./weights.js";

/** By what methods compare; "vectors" are pooled. */
type Group = "logits" | "classMaps" | "vectors" | "maps";

const isOfMaps = (view: TeacherView): boolean => view !== "logits" && view !== "pooled";

/** A method's folder in methods/ and test/golden/methods, from its views with default options. */
export function groupOf(method: Method): Group {
  if (method.ofClassMaps !== undefined) return "classMaps";
  const sees = method.sees(ownOptions(method, {}));
  if (sees.some(isOfMaps)) return "maps";
  return sees.includes("pooled") ? "vectors" : "logits";
}

export interface PairSetting {
  readonly weights: LossWeights;
  /** Own and other options that differ from the defaults. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly isOwn: boolean;
}

/** Published weights and options for a pair, else the method's. @param pair TEACHER-STUDENT */
export function publishedSetting({ weights, published = [] }: Method, pair: string): PairSetting {
  const own = published.filter(({ pairs }) => pairs.includes(pair));
  return {
    weights: Object.assign({ ...weights }, ...own.map((setting) => setting.weights)),
    options: Object.assign({}, ...own.flatMap(({ options, defaults }) => [defaults, options])),
    isOwn: own.length > 0,
  };
}

/** A paper's year, at its end; undefined where there is no paper. @throws Error without one (a defect of the row) */
export function yearOf({ name, paper }: Pick<Method, "name" | "paper">): number | undefined {
  const year = /\b(\d{4})$/.exec(paper)?.[1];
  if (year !== undefined) return Number(year);
  if (paper.startsWith("none")) return undefined;
  throw new Error(`The paper of ${name} does not end with its year.`);
}

/** Golden files in test/golden, without extension. */
export const goldenOf = (method: Method): readonly string[] =>
  method.golden ?? [`methods/${groupOf(method)}/${method.name}`];
