import { inputError } from "../common/errors.js";
import { eagerProgram } from "../compile/eager.js";
import { graphProgram } from "../compile/graphProgram.js";
import type { EngineName, Program, ProgramDescription } from "../compile/types.js";

const ENGINES: Readonly<Record<string, (description: ProgramDescription) => Program>> = {
  eager: eagerProgram,
  graph: graphProgram,
};

/** The engine of a name that was typed. @throws inputError for a name that is none */
export function engineNamed(name: string): EngineName {
  if (name in ENGINES) return name as EngineName;
  const names = Object.keys(ENGINES).join(", ");
  throw inputError(`There is no engine ${name}.`, `--engine takes one of: ${names}.`);
}

/** Makes a program that can be run. */
export const openProgram = (engine: EngineName, description: ProgramDescription): Program =>
  (ENGINES[engine] as (description: ProgramDescription) => Program)(description);
