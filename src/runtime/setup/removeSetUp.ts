import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { exclusively } from "../../common/exclusive.js";

/** Folders of the cache that hold nothing but what set-up brought, and what was compiled from it. */
const OWN = ["runtime", "scratch", "xla"] as const;

/**
 * Removes what set-ups have brought into a cache folder: libraries, bindings, compiled programs. Data sets, teachers'
 * outputs and whatever else lies there stay. Every installation that uses the folder has to be set up again.
 * @returns the names of the folders that were removed
 */
export async function removeSetUp(cache: string): Promise<readonly string[]> {
  const found = OWN.filter((name) => existsSync(join(cache, name)));
  await exclusively(cache, {}, async () => {
    for (const name of found) await rm(join(cache, name), { recursive: true, force: true });
  });
  return found;
}
