import assert from "node:assert/strict";
import type { Procedure } from "#pefd/distill/open.js";
import { procedures } from "#pefd/distill/registry.js";

/** A method or variant of the registry by name. */
export const procedureNamed = (name: string): Procedure =>
  procedures().find((procedure) => procedure.name === name) ?? assert.fail(`no procedure ${name}`);
