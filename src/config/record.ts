import { inputError } from "../common/errors.js";
import type { Rows } from "../common/optionRow.js";
import { procedureOf } from "../distill/open.js";
import { METHODS } from "../distill/registry.js";

/** Published name of a run's method or variant; unpublished ones stay. @param options the run's, or its config.json */
export function procedureName(method: string, options: object): string {
  const row = METHODS.find(method);
  return row === undefined ? method : procedureOf(row, options).name;
}

/** The command that makes each kind of run. */
export const COMMANDS = { distill: "distill", teacher: "train-teacher" } as const;
export type RecordKind = keyof typeof COMMANDS;

/** Keys of config.json besides options. */
const TOLD = ["kind", "teacher", "seed", "device", "versions", "origin", "identity", "plugins", "checksum"];

const isKind = (value: unknown): value is RecordKind => typeof value === "string" && Object.hasOwn(COMMANDS, value);

/** The kind of run whose config.json this is; undefined for a file of options. */
export const recordKind = ({ kind, seed }: Readonly<Record<string, unknown>>) =>
  isKind(kind) && typeof seed === "number" ? kind : undefined;

/** The options in a run's record. */
export function optionsOfRecord(
  content: Readonly<Record<string, unknown>>,
  kind: RecordKind,
  known: Rows,
): Record<string, unknown> {
  // A student's record has its model under both names.
  const told = new Set(kind === "distill" ? [...TOLD, "model"] : TOLD);
  return Object.fromEntries(Object.entries(content).filter(([name]) => !told.has(name) && !known[name]?.flagOnly));
}

/** @throws inputError for a record of the other kind of run */
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
