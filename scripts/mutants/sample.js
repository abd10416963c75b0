import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow } from "./reach.js";
import { lineOf, sitesIn } from "./sites.js";

/** All possible mutants below dist. */
export function allSites(root) {
  return filesBelow(join(root, "dist"))
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(root, "dist", file), "utf8");
      return sitesIn(text).map((site) => ({ file, line: lineOf(text, site.at), ...site }));
    });
}

/** A uniform sample, the same for the same seed. */
export async function drawn(sites, count, seed) {
  const { createRandom } = await import("../../dist/common/random.js");
  const order = Int32Array.from(sites.keys());
  createRandom(seed, "mutants").shuffle(order);
  return Array.from(order.subarray(0, count), (index) => sites[index]);
}
