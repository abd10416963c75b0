import { spawnSync } from "node:child_process";

/** Why packages cannot be had here, if they cannot: the tests of this folder install some. */
export function registryProblem(): string | false {
  const { status } = spawnSync("npm", ["view", "yargs", "version", "--prefer-online"]);
  return status !== 0 && "npm's registry does not answer";
}
