import { procedureOf } from "../distill/procedures.js";
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
