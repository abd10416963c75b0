import type { StepTerms } from "../trajectory/run.js";
import type { Fixture } from "./fixture.js";

/** Terms that are none of the method's own. */
const COMMON: ReadonlySet<string> = new Set(["ce", "kl", "loss"]);

/**
 * Terms that a file tells unweighted and that here have an option of the method's in them, its weight: by the file's name
 * the term, and the end of the option's name.
 */
const OWN_WEIGHTS: Readonly<Record<string, readonly [term: string, option: string]>> = {
  kl: ["kd", "a"],
  div: ["kd", "a"],
  kd: ["map", "b"],
  cls: ["cls", "a"],
  sample: ["sample", "b"],
  class: ["class", "c"],
};

const sumOf = (terms: Iterable<number>): number => Array.from(terms).reduce((sum, term) => sum + term, 0);

/**
 * What a step has of the terms that a file names. Programs of one family tell them unweighted (ce, div, kd, total), those
 * of the other weighted (loss_ce, and loss_NAME for the rest).
 * @param keys the file's names
 * @param terms unweighted
 * @returns by the file's names; those that mean nothing here are left out
 */
export function expectedTerms(
  keys: readonly string[],
  terms: StepTerms,
  { row, told, weights: { gamma, alpha, beta }, insteadOfKL }: Fixture,
): Readonly<Record<string, number>> {
  const { ce = Number.NaN, kl = Number.NaN, loss = Number.NaN } = terms;
  const own = new Map(Object.entries(terms).filter(([name]) => !COMMON.has(name)));
  const weighted = (key: string) => key.replace(/^loss_/, "").toLowerCase();
  const apart = keys.filter((key) => own.has(weighted(key)));
  const rest = sumOf(
    Array.from(own).flatMap(([name, value]) => (apart.some((key) => weighted(key) === name) ? [] : [beta * value])),
  );
  // Programs whose cross entropy is "cls" tell all terms weighted.
  const tellsWeighted = keys.includes("cls") && !own.has("cls");
  const found = keys.map((key): [string, number | undefined] => {
    if (key === "total") return [key, loss];
    const [term = "", option = ""] = OWN_WEIGHTS[key] ?? [];
    const weight = told[`${row.name}_${option}`];
    if (weight !== undefined) return [key, (own.get(term) ?? 0) / Number(weight)];
    if (key === "ce") return [key, ce];
    if (key === "cls" && tellsWeighted) return [key, gamma * ce];
    if (key === "kd" && tellsWeighted) return [key, beta * (own.get(key) ?? 0)];
    if (key === "kd") return [key, sumOf(own.values())];
    if (key === "div") return [key, insteadOfKL ? sumOf(own.values()) : kl];
    if (["ce", "task"].includes(weighted(key))) return [key, gamma * ce];
    if (!key.startsWith("loss_")) return [key, own.get(key)];
    const alone = own.get(weighted(key));
    return [key, alone === undefined ? rest + (alpha === 0 ? 0 : alpha * kl) : beta * alone];
  });
  return Object.fromEntries(found.filter(([, value]) => value !== undefined)) as Record<string, number>;
}
