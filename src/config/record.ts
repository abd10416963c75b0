import { inputError } from "../common/errors.js";
import type { Rows } from "../common/optionRow.js";
import { procedureOf } from "../distill/open.js";
import { METHODS } from "../distill/registry.js";

/**
 * The name under which what a run does was published: of its method, or of the variant that its options make of it. A
 * method that is not here keeps the name that the run gives it.
 * @param options the run's, or its config.json
 */
export function procedureName(method: string, options: object): string {
  const row = METHODS.find(method);
  return row === undefined ? method : procedureOf(row, options).name;
}

/** The two kinds of runs, and the command that each is made by. */
const COMMANDS = { distill: "distill", teacher: "train-teacher" } as const;
export type RecordKind = keyof typeof COMMANDS;

/** Keys of a run's config.json besides options: decisions and inputs. */
const TOLD = ["kind", "teacher", "seed", "device", "versions", "identity", "plugins", "checksum"];

const isKind = (value: unknown): value is RecordKind => typeof value === "string" && Object.hasOwn(COMMANDS, value);

/** Of which kind of run a file is the record, its config.json; undefined for a file of options. */
export const recordKind = ({ kind, seed }: Readonly<Record<string, unknown>>) =>
  isKind(kind) && typeof seed === "number" ? kind : undefined;

/** The options of a run out of its record, as a file of options would have them. */
export function optionsOfRecord(
  content: Readonly<Record<string, unknown>>,
  kind: RecordKind,
  known: Rows,
): Record<string, unknown> {
  // A student's record has its model under both names.
  const told = new Set(kind === "distill" ? [...TOLD, "model"] : TOLD);
  return Object.fromEntries(Object.entries(content).filter(([name]) => !told.has(name) && !known[name]?.flagOnly));
}

/**
 * @param kind of the run that a command makes
 * @throws inputError where the configuration is the record of a run of the other kind
 */
export function refuseOtherKind(
  kind: RecordKind,
  configuration: { readonly record: RecordKind | undefined } | undefined,
  typed: string,
): void {
  const found = configuration?.record;
  if (found === undefined || found === kind) return;
  throw inputError(
    `--config ${typed} is the config.json of a ${COMMANDS[found]} run.`,
    `Type: pefd ${COMMANDS[found]} --config ${typed}`,
  );
}
