import type { Timing } from "../../bench/types.js";
import { columns, type Table } from "../../report/table.js";

/** A timing and, where several programs are compared, the one that it is of. */
export interface ProgramTiming extends Omit<Timing, "engine" | "precision"> {
  readonly engine: string;
  readonly precision: string;
  readonly program?: string;
}

const COST_COLUMNS = [">over kd, ms", ">times kd", ">memory over kd, MB"];

const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

const signed = (value: number): string => `${value < 0 ? "-" : "+"}${digits(Math.abs(value))}`;

const costCells = ({ overKd }: Pick<ProgramTiming, "overKd">): string[] =>
  overKd === undefined
    ? ["", "", ""]
    : [
        signed(overKd.stepMs),
        overKd.ratio.toFixed(2),
        overKd.memoryMb === undefined ? "" : signed(overKd.memoryMb),
      ];

const cells = (timing: ProgramTiming): string[] => [
  timing.engine,
  timing.precision,
  String(timing.batchSize),
  digits(timing.stepMs),
  `${digits(timing.stepMsMin)}-${digits(timing.stepMsMax)}`,
  digits(timing.imagesPerSecond),
  digits(timing.firstStepMs),
];

/**
 * Timings for people, a line each; with a column for the program where one is named, and with what methods cost over kd
 * where they were timed beside it.
 */
export function timingTable(timings: readonly ProgramTiming[]): Table {
  const compared = timings.some(({ program }) => program !== undefined);
  const costs = timings.some(({ overKd }) => overKd !== undefined);
  const own = ["engine", "precision", ">batch", ">ms/step", ">min-max", ">images/s"];
  return {
    columns: columns(
      "what",
      ...(compared ? ["program"] : []),
      ...own,
      ">first step, ms",
      ...(costs ? COST_COLUMNS : []),
    ),
    rows: timings.map((timing) => [
      timing.what,
      ...(compared ? [timing.program ?? ""] : []),
      ...cells(timing),
      ...(costs ? costCells(timing) : []),
    ]),
  };
}
