// Which folder of src may import which: compares src with scripts/fences/rooms.js. `npm run lint` runs it.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { judge } from "./fences/check.js";
import { withTable } from "./fences/document.js";
import { ROOMS } from "./fences/rooms.js";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Text of every TypeScript file below src, by its path there. */
function sources() {
  const paths = readdirSync(at("src"), { recursive: true, encoding: "utf8" });
  const files = paths.filter((path) => /\.[cm]?[jt]sx?$/.test(path)).sort();
  return new Map(files.map((file) => [file, readFileSync(at(`src/${file}`), "utf8")]));
}

const complaints = judge(ROOMS, sources());
const document = readFileSync(at("docs/architecture.md"), "utf8");
if (withTable(document, ROOMS) !== document) {
  complaints.push("docs/architecture.md: its table of rooms is old. Type: npm run docs");
}
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) {
  console.error("\nscripts/fences/rooms.js says which folder may import which.");
  process.exitCode = 1;
}
