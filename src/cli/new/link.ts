import { existsSync, mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { runError } from "../../common/errors.js";

/** This program's own folder. */
export const PROGRAM = fileURLToPath(new URL("../../..", import.meta.url));

/** The package that files in a folder find under this program's name; undefined where they find none. */
function packageFrom(folder: string): string | undefined {
  try {
    const require = createRequire(join(resolve(folder), "any.js"));
    return realpathSync(dirname(require.resolve("pefd/package.json")));
  } catch {
    return undefined;
  }
}

/**
 * Sees to it that files in a folder find this program by its name, as editors and `node --test` look for it.
 * @returns the link that was made; undefined where none was needed
 * @throws runError where it cannot be made
 */
export function linkProgram(folder: string): string | undefined {
  if (packageFrom(folder) !== undefined) return undefined;
  const link = join(folder, "node_modules", "pefd");
  if (existsSync(link)) return undefined;
  try {
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(realpathSync(PROGRAM), link, "dir");
  } catch (error) {
    throw runError(
      `${link} could not be made: ${(error as Error).message}.`,
      "Choose another folder with --out.",
    );
  }
  return link;
}
