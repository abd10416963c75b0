import type { Row, Rows, Touches } from "../common/optionRow.js";
import { ALL_SECTIONS } from "./options.js";
import { rowsOf } from "./resolve.js";

interface Policy {
  /** Reports separate runs by this value. */
  readonly parts: boolean;
  readonly kept: boolean;
}

/**
 * Resume, sweeps, reports and config.json ask this table, and nothing else, about an option.
 *
 * The engine is a matter of speed: each computes the same step. On a CPU graph gives eager's bytes; XLA sums in
 * another order, as another CPU or a GPU does, which moves rounding and no result. The precision is a matter of
 * numbers: bfloat16 keeps 8 of float32's 24 binary digits.
 */
const POLICIES: Readonly<Record<Touches, Policy>> = {
  numbers: { parts: true, kept: true },
  seed: { parts: false, kept: true },
  length: { parts: true, kept: true },
  input: { parts: true, kept: true },
  place: { parts: false, kept: true },
  speed: { parts: false, kept: true },
  output: { parts: false, kept: true },
  start: { parts: false, kept: false },
};

const DECIDED: Readonly<Record<string, Touches>> = {
  kind: "numbers",
  seed: "seed",
  device: "speed",
  plugins: "place",
  versions: "speed",
  origin: "place",
};

const ROWS: Rows = rowsOf(ALL_SECTIONS);

/** Effect of a config.json key: numbers by default. */
export const touchesOf = (key: string): Touches => ownOf(ROWS, key)?.touches ?? ownOf(DECIDED, key) ?? "numbers";

const ownOf = <Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

const policyOf = (key: string): Policy => POLICIES[touchesOf(key)];

/** Whether a value separates experiments. */
export const partsExperiments = (key: string): boolean => policyOf(key).parts;

/** Whether config.json records it. */
export const isKept = (key: string): boolean => policyOf(key).kept;

/** Resolved values, or those of a config.json. */
export type OptionValues = Readonly<Record<string, unknown>>;

/** Whether a value says anything: a switch that is off is like one unknown to an older run. */
export const isTold = (value: unknown): boolean => value !== undefined && value !== false;

const chosen = (values: object, isWanted: (key: string) => boolean): OptionValues =>
  Object.fromEntries(
    Object.entries(values)
      .filter(([key, value]) => isTold(value) && isWanted(key))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

/**
 * All options that determine a run's numbers, sorted, without unset ones: runs that agree in these and in their inputs'
 * content have the same numbers up to rounding.
 * @param options resolved (see isUndecided), or a config.json
 */
export const numbersOf = (options: object): OptionValues =>
  chosen(options, (key) => ["numbers", "seed"].includes(touchesOf(key)));

/** Options recorded in config.json. */
export const keptOf = (options: object): OptionValues =>
  Object.fromEntries(Object.entries(options).filter(([key]) => isKept(key)));

/** The notice on options in epochs, such as a warm-up, that a run does not reach; undefined where it reaches all. */
export function unreachedText(options: object): string | undefined {
  const values = options as OptionValues & { readonly epochs: number };
  const { epochs } = values;
  const isBeyond = ([key, value]: [string, unknown]) => {
    const { inEpochs = false, replacedBy = "" } = ownOf(ROWS, key) ?? {};
    return inEpochs && values[replacedBy] === undefined && Math.max(...([value].flat() as number[])) > epochs;
  };
  const beyond = Object.entries(values).filter(isBeyond);
  if (beyond.length === 0) return undefined;
  const names = beyond.map(([key, value]) => `--${key} ${value}`);
  return `--epochs ${epochs} ends before ${names.join(" and ")}: such a run says little about a full one.`;
}

/** Whether a value such as "auto" leaves the decision to the machine. */
export function isUndecided(key: string, value: unknown): boolean {
  const row: Row | undefined = ownOf(ROWS, key);
  return row?.undecided !== undefined && row.undecided === value;
}
