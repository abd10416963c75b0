import type { Procedure } from "#pefd/distill/open.js";
import { methodRow, procedures } from "#pefd/distill/registry.js";

/** A method or variant of the registry by name. @throws inputError with the nearest method's name */
export const procedureNamed = (name: string): Procedure =>
  procedures().find((procedure) => procedure.name === name) ?? (methodRow(name) as Procedure);
