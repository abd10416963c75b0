import { unknownNameError } from "./errors.js";
import { didYouMean } from "./text.js";

/** A registry of one kind (methods, models, data sets), by name. */
export interface Registry<Row extends Named> {
  /** Adds a row at the end. @throws Error where the name is taken, or after `close` (a defect of the program) */
  add(row: Row): void;
  /** Takes no more rows: from here on choices, help and checks may be made from those that there are. */
  close(): void;
  isClosed(): boolean;
  /** All rows, in the order in which they were added. */
  rows(): readonly Row[];
  /** Their names, in the same order. */
  names(): string[];
  /** The row of a name; undefined where there is none. */
  find(name: string): Row | undefined;
  /** The row of a name. @throws inputError with the nearest name and the list of all */
  row(name: string): Row;
}

/** Common fields of registry rows. */
export interface Named {
  /** As it is typed; unique in its registry. */
  readonly name: string;
}

/** Names of a registry's rows. */
export interface Kind {
  /** Such as "model", as in "unknown model resnet9." */
  readonly one: string;
  /** Such as "Models", as in "Models: resnet8, resnet20." */
  readonly many: string;
}

/**
 * A registry with some rows. Choices, help, documents and sentences follow from it.
 * @throws Error where two rows have one name
 */
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
