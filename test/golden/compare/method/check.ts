import type { EngineName } from "#pefd/compile/types.js";
import type { Check } from "../comparison.js";
import { fixtureOf } from "./fixture.js";
import type { MethodGolden } from "./schema.js";
import { checkSteps } from "./stepsCheck.js";
import { checkTerm } from "./termCheck.js";

/**
 * Compares a method with what the authors' code computes: every term alone, and steps of distillation.
 * @throws inputError where the registry does not have the method
 */
export function checkMethod(golden: MethodGolden, engine: EngineName): Check[] {
  fixtureOf(golden.method, []);
  const { losses, trajectory } = golden;
  return [
    ...Object.entries(losses).flatMap(([key, entry]) => checkTerm(golden, key, entry, engine)),
    ...(trajectory === undefined ? [] : checkSteps(golden.method, trajectory, engine)),
  ];
}
