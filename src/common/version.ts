import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** pefd's version, from its package.json. */
export function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** The commit of pefd's own checkout; undefined where it is installed as a package. */
export function commit(): string | undefined {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  if (!existsSync(`${root}.git`)) return undefined;
  const { status, stdout } = spawnSync("git", ["-C", root, "rev-parse", "HEAD"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
