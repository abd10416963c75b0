import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow } from "./reach.js";
import { lineOf, sitesIn } from "./sites.js";

/** Every fault that could be planted below dist. */
export function allSites(root) {
  return filesBelow(join(root, "dist"))
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(root, "dist", file), "utf8");
      return sitesIn(text).map((site) => ({ file, line: lineOf(text, site.at), ...site }));
    });
}

/** The same ones for the same seed, each as likely as any other. */
export async function drawn(sites, count, seed) {
  const { createRandom } = await import("../../dist/common/random.js");
  const order = Int32Array.from(sites.keys());
  createRandom(seed, "mutants").shuffle(order);
  return Array.from(order.subarray(0, count), (index) => sites[index]);
}
