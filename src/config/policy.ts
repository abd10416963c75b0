import type { Row, Rows, Touches } from "../common/optionRow.js";
import { rowsOf } from "./resolve.js";
import { ALL_SECTIONS } from "./sections.js";

/** Consequences of changing an option. */
interface Policy {
  /** A run that goes on may have another value. */
  readonly mayChange: boolean;
  /** Reports hold runs of different values apart. */
  readonly parts: boolean;
  /** config.json records it. */
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
  numbers: { mayChange: false, parts: true, kept: true },
  seed: { mayChange: false, parts: false, kept: true },
  length: { mayChange: true, parts: true, kept: true },
  input: { mayChange: true, parts: true, kept: true },
  place: { mayChange: true, parts: false, kept: true },
  speed: { mayChange: true, parts: false, kept: true },
  output: { mayChange: true, parts: false, kept: true },
  start: { mayChange: true, parts: false, kept: false },
};

/** Keys of config.json besides options. */
const DECIDED: Readonly<Record<string, Touches>> = {
  kind: "numbers",
  seed: "seed",
  device: "speed",
  plugins: "place",
  versions: "speed",
};

const ROWS: Rows = rowsOf(ALL_SECTIONS);

/** Effect of a config.json key: the numbers, unless a row says otherwise. */
export const touchesOf = (key: string): Touches => ownOf(ROWS, key)?.touches ?? ownOf(DECIDED, key) ?? "numbers";

/** The value of a record by a key that a file may have; what every object has is no such value. */
const ownOf = <Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

const policyOf = (key: string): Policy => POLICIES[touchesOf(key)];

/** Whether a run may go on with another value. */
export const mayChange = (key: string): boolean => policyOf(key).mayChange;

/** Whether runs of different values are different experiments. */
export const partsExperiments = (key: string): boolean => policyOf(key).parts;

/** Whether config.json records it. */
export const isKept = (key: string): boolean => policyOf(key).kept;

/** Values by option, resolved or as a config.json has them. */
export type OptionValues = Readonly<Record<string, unknown>>;

/** Whether a value says anything: a switch that is off is like one that a run from before it does not tell of. */
export const isTold = (value: unknown): boolean => value !== undefined && value !== false;

const chosen = (values: object, isWanted: (key: string) => boolean): OptionValues =>
  Object.fromEntries(
    Object.entries(values)
      .filter(([key, value]) => isTold(value) && isWanted(key))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

/**
 * All that makes a run's numbers, as far as options tell it: two runs in which this and what their inputs hold agree
 * have the same numbers, up to rounding, in every epoch that both have. Sorted by name; what was not given is left out.
 * @param options a run's options, with what the machine decides filled in (see isUndecided), or its config.json
 */
export const numbersOf = (options: object): OptionValues =>
  chosen(options, (key) => ["numbers", "seed"].includes(touchesOf(key)));

/** Options recorded in config.json. */
export const keptOf = (options: object): OptionValues =>
  Object.fromEntries(Object.entries(options).filter(([key]) => isKept(key)));

/** Whether a value, such as "auto", stands for what the machine decides when the run starts. */
export function isUndecided(key: string, value: unknown): boolean {
  const row: Row | undefined = ownOf(ROWS, key);
  return row?.undecided !== undefined && row.undecided === value;
}
