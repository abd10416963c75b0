import { eagerProgram } from "./eager.js";
import { graphProgram } from "./graphProgram.js";
import type { EngineName, Program, ProgramDescription } from "./types.js";
import { xlaProgram } from "./xlaProgram.js";

const ENGINES: Readonly<Record<EngineName, (description: ProgramDescription) => Program>> = {
  eager: eagerProgram,
  graph: graphProgram,
  xla: xlaProgram,
};

/** Names of all engines. */
export const engineNames = (): EngineName[] => Object.keys(ENGINES) as EngineName[];

/** Compiles a description for an engine. */
export const compile = (engine: EngineName, description: ProgramDescription): Program =>
  ENGINES[engine](description);
