import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { CONFIG_FILE, readConfig } from "../../runFiles/config.js";
import { type Identity, identitySha256, isOfIdentity } from "../../runFiles/identity.js";
import { readResult } from "../../runFiles/result.js";

/** The file in which a run tells what it was told; undefined in a folder that holds no run. */
export function recordIn(runDir: string): string | undefined {
  const file = join(runDir, CONFIG_FILE);
  return existsSync(file) ? file : undefined;
}

/** Whether two paths name one folder. */
export const isSameFolder = (a: string, b: string): boolean =>
  existsSync(a) && existsSync(b) && realpathSync(a) === realpathSync(b);

/** Whether two identities are those of the same run, as far as they tell. */
const areSame = (a: Identity, b: Identity): boolean =>
  isOfIdentity(identitySha256(a), b) || isOfIdentity(identitySha256(b), a);

/** A finished run's identity and the checksum of its weights. */
function outcomeOf(runDir: string): { identity: Identity; weights: string } | undefined {
  const [config, result] = [readConfig(runDir), readResult(runDir)];
  if (config.state !== "whole" || result.state !== "whole") return undefined;
  const { identity } = config.content;
  if (identity === undefined) return undefined;
  return { identity, weights: result.content.weightsSha256 };
}

/** Whether two finished runs that are the same run have come to the same weights; undefined for any others. */
export function haveSameWeights(first: string, second: string): boolean | undefined {
  const [before, now] = [outcomeOf(first), outcomeOf(second)];
  if (before === undefined || now === undefined || !areSame(before.identity, now.identity)) {
    return undefined;
  }
  return before.weights === now.weights;
}
