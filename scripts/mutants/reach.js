import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";

/**
 * The tests responsible for a file of the product: those of test/FOLDER for src/FOLDER whose imports reach it.
 */

const IMPORT = /(?:from|import\(|new URL\()\s*"([^"]+\.js)"/g;
/** A test that starts programs may reach any file. */
const STARTS_PROGRAMS = /"node:(?:child_process|worker_threads)"/;
const FAR = 1000;

export const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".js"));

/** The files below the root that a compiled file imports. */
function importsOf(root, file, text) {
  const names = [...text.matchAll(IMPORT)].map(([, name]) => name);
  return names.flatMap((name) => {
    if (name.startsWith("#pefd/")) return [join("dist", name.slice("#pefd/".length))];
    if (name.startsWith(".")) return [relative(root, join(root, dirname(file), name))];
    return [];
  });
}

/** The import distance of each file that a test reaches. */
function distancesFrom(root, test, cache) {
  const distances = new Map([[test, 0]]);
  let startsPrograms = false;
  for (const [file, distance] of distances) {
    if (!cache.has(file)) {
      const text = existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : "";
      cache.set(file, { imports: importsOf(root, file, text), text });
    }
    const { imports, text } = cache.get(file);
    if (file.startsWith("dist-test") && STARTS_PROGRAMS.test(text)) startsPrograms = true;
    for (const next of imports) if (!distances.has(next)) distances.set(next, distance + 1);
  }
  return { distances, startsPrograms };
}

/** The folder of a file below src or test: of `train/claim/lock.js`, "train". */
export const folderOf = (file) => file.split("/")[0];

/**
 * A function from a file below dist to the compiled test files that reach it, nearest first.
 * @param {string} root
 * @param {(test: string, file: string) => boolean} isWanted of a test below dist-test and a file below dist
 */
export function reachOf(root, isWanted = (test, file) => folderOf(test) === folderOf(file)) {
  const [cache, reaches] = [new Map(), new Map()];
  const tests = filesBelow(join(root, "dist-test")).filter((file) => file.endsWith(".test.js"));
  const reach = (test) => {
    if (!reaches.has(test)) reaches.set(test, distancesFrom(root, join("dist-test", test), cache));
    return reaches.get(test);
  };
  return (file) => {
    const own = `${basename(file, ".js")}.test.js`;
    const ranked = tests
      .filter((test) => isWanted(test, file))
      .map((test) => {
        const { distances, startsPrograms } = reach(test);
        const distance = distances.get(join("dist", file)) ?? (startsPrograms ? FAR : Infinity);
        return { test, rank: basename(test) === own ? 0 : distance };
      });
    const near = ranked.filter(({ rank }) => rank !== Infinity);
    return near.sort((a, b) => a.rank - b.rank).map(({ test }) => test);
  };
}
