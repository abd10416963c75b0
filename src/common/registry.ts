import { unknownNameError } from "./errors.js";
import { didYouMean } from "./text.js";

/** A registry by name (methods, models, data sets). */
export interface Registry<Row extends Named> {
  /** Appends a row. @throws Error where the name is taken, or after `close` (a defect of the program) */
  add(row: Row): void;
  /** Takes no more rows, as choices, help and checks are made from them. */
  close(): void;
  isClosed(): boolean;
  rows(): readonly Row[];
  names(): string[];
  find(name: string): Row | undefined;
  /** The row of a name. @throws inputError with the nearest name and the list of all */
  row(name: string): Row;
}

export type Named = { readonly name: string };

export interface Kind {
  /** Such as "model", as in "unknown model resnet9." */
  readonly one: string;
  /** Such as "Models", as in "Models: resnet8, resnet20." */
  readonly many: string;
}

/** Creates a registry. @throws Error for two rows of one name */
export function createRegistry<Row extends Named>({ one, many }: Kind, rows: readonly Row[] = []): Registry<Row> {
  const byName = new Map<string, Row>();
  let isClosed = false;
  const names = () => [...byName.keys()];
  const add = (row: Row): void => {
    if (isClosed) throw new Error(`The ${one} ${row.name} is added after the program has started.`);
    if (byName.has(row.name)) throw new Error(`There are two rows of the ${one} ${row.name}.`);
    byName.set(row.name, row);
  };
  rows.forEach(add);
  return {
    add,
    close: () => {
      isClosed = true;
    },
    isClosed: () => isClosed,
    rows: () => [...byName.values()],
    names,
    find: (name) => byName.get(name),
    row(name) {
      const row = byName.get(name);
      if (row !== undefined) return row;
      throw unknownNameError(
        name,
        `unknown ${one} ${name}.${didYouMean(name, names())}`,
        `${many}: ${names().join(", ")}.`,
      );
    },
  };
}
