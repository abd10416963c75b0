import { inputError } from "#pefd/common/errors.js";
import { engineNames } from "#pefd/compile/program.js";
import type { EngineName } from "#pefd/compile/types.js";

export { compile as openProgram } from "#pefd/compile/program.js";

/** The engine of a name that was typed. @throws inputError for a name that is none */
export function engineNamed(name: string): EngineName {
  const known = engineNames().find((engine) => engine === name);
  if (known !== undefined) return known;
  throw inputError(`There is no engine ${name}.`, `--engine takes one of: ${engineNames().join(", ")}.`);
}
