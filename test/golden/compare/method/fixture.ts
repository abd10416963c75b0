import type { Row } from "#pefd/common/optionRow.js";
import type { Method } from "#pefd/distill/method.js";
import type { LossWeights } from "#pefd/distill/weights.js";
import { procedureNamed } from "../../../helpers/procedures.js";

/** A method with the options and weights that the authors' flags mean. */
export interface Fixture {
  readonly row: Method;
  /** Values of the method's own options that were told. */
  readonly told: Readonly<Record<string, unknown>>;
  readonly weights: LossWeights;
  /** Whether the authors have the method's term in the place of the KL divergence, with that one's weight. */
  readonly insteadOfKL: boolean;
}

/** Flags (`--ttm_l 0.1`), configuration keys (`DKD.WARMUP 1`) or arguments (`temp` of a function), by their words. */
type Told = ReadonlyMap<string, unknown>;

/** Words of the authors' programs for what options here are called by another one. */
const SYNONYMS: Readonly<Record<string, string>> = { temperature: "t", ls: "lskd" };

/** What a weight of the authors' programs is a weight of, for those that set it by one letter and for configurations. */
const LETTERS = { r: "gamma", c: "gamma", a: "alpha", d: "alpha", b: "beta" } as const;
const CONFIGURED: readonly (readonly [pattern: RegExp, weight: keyof LossWeights])[] = [
  [/ce_weight$/, "gamma"],
  [/_weight$/, "beta"],
];

/** Whether a program's letters are weights of the method's own terms: cid's, and that of several teachers' maps. */
const hasOwnLetters = (told: Told): boolean => told.has("nt") || told.get("distill") === "inter";

/** The weights of those that set them by letters, where none is set. */
const UNSET: LossWeights = { gamma: 1, alpha: 0, beta: 0 };

/** What the authors' code reads and does not use. */
const UNUSED: ReadonlySet<string> = new Set(["deepkd_kd kd_loss_kd_weight", "wkd_l wkd_loss_wkd_feat_weight"]);

const wordsOf = (flag: string): string => flag.replace(/^-+/, "").replaceAll(".", "_").toLowerCase();

const SWITCHES: ReadonlySet<string> = new Set(["--nesterov"]);

/** Flags and their values in pairs, and arguments. */
const toldBy = (flags: readonly string[], inputs: object = {}): Told =>
  new Map([
    ...flags
      .filter((flag) => !SWITCHES.has(flag))
      .flatMap((flag, i, all): [string, unknown][] => (i % 2 === 0 ? [[wordsOf(flag), all[i + 1]]] : [])),
    ...Object.entries(inputs).map(([name, value]): [string, unknown] => [wordsOf(name), value]),
  ]);

/** "a_b_c" as ["a", "b_c"] and ["a_b", "c"]. */
const splits = (name: string): [start: string, end: string][] =>
  Array.from(name.matchAll(/_/g), ({ index }) => [name.slice(0, index), name.slice(index + 1)]);

const endsOf = (words: string): string[] => [words, ...splits(words).map(([, end]) => end)];

/** A value as an option of the row's type takes it. */
function typedValue({ type }: Row, value: unknown): unknown {
  if (type === "boolean") return /^(true|1)$/i.test(String(value));
  if (type === "choice" || type === "string") return String(value);
  return type === "integers" ? String(value).split(",").map(Number) : Number(value);
}

/** Whether words are a letter that weighs the loss. */
const isWeight = (told: Told, words: string): words is keyof typeof LETTERS => words in LETTERS && !hasOwnLetters(told);

/** What is told of an option: under its own name, or the last words of a flag behind the method's name. */
function toldOf(told: Told, method: string, option: string): unknown {
  for (const [words, value] of told) {
    if (isWeight(told, words)) continue;
    const ends = endsOf(words);
    const names = [...ends, ...ends.flatMap((end) => SYNONYMS[end] ?? [])];
    if (names.some((end) => [end, `${method}_${end}`].includes(option.toLowerCase()))) return value;
  }
  return undefined;
}

function weightsOf(told: Told, published: LossWeights): Pick<Fixture, "weights" | "insteadOfKL"> {
  const byLetter = Array.from(told).flatMap(([words, value]) =>
    isWeight(told, words) ? [[LETTERS[words], Number(value)] as const] : [],
  );
  if (byLetter.length > 0) {
    const found: LossWeights = { ...UNSET, ...Object.fromEntries(byLetter) };
    if (found.beta !== 0) return { weights: found, insteadOfKL: false };
    return { weights: { ...found, alpha: 0, beta: found.alpha }, insteadOfKL: true };
  }
  const configured = Array.from(told).flatMap(([words, value]) => {
    const weight = CONFIGURED.find(([pattern]) => pattern.test(words))?.[1];
    return weight === undefined ? [] : [[weight, Number(value)] as const];
  });
  return { weights: { ...published, ...Object.fromEntries(configured) }, insteadOfKL: false };
}

/**
 * The method that a file is of, set as the authors' flags set it. Flags that no option of the method is called by are of
 * the program around it.
 * @throws inputError where the registry does not have the method
 */
export function fixtureOf(name: string, flags: readonly string[], inputs: object = {}): Fixture {
  const { method: row, set, defaults, ...published } = procedureNamed(name);
  const told: Told = new Map(Array.from(toldBy(flags, inputs)).filter(([words]) => !UNUSED.has(`${name} ${words}`)));
  const options = Object.entries(row.options).flatMap(([option, description]) => {
    const value = toldOf(told, row.name, option);
    return value === undefined ? [] : [[option, typedValue(description, value)] as const];
  });
  // Flags change what the program has by default: the method's weights, not those that a variant was published with.
  const isPublished = options.every(([option, value]) => set[option] === value);
  const { weights } = isPublished ? published : row;
  return {
    row,
    told: { ...defaults, ...set, ...Object.fromEntries(options) },
    ...weightsOf(
      new Map(Array.from(told).filter(([words]) => !endsOf(words).some((end) => end in row.options))),
      weights,
    ),
  };
}
