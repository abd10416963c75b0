// Which folder of src may import which (scripts/fences/rooms.js), how long files of src and test may be, and old words in src
// and documents. `npm run lint` runs it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { judge } from "./fences/check.js";
import { withTable } from "./fences/document.js";
import { ROOMS } from "./fences/rooms.js";
import { judgeSizes } from "./fences/sizes.js";
import { judgeWords } from "./fences/words.js";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Text of every file below a folder, by its path there; none where a copy is without the folder. */
function filesBelow(folder) {
  if (!existsSync(at(folder))) return new Map();
  const entries = readdirSync(at(folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name)).sort();
  return new Map(paths.map((path) => [path.slice(at(folder).length + 1), readFileSync(path, "utf8")]));
}

const [src, test] = [filesBelow("src"), filesBelow("test")];
const typed = new Map([...src].filter(([path]) => /\.[cm]?[jt]sx?$/.test(path)));
const below = (folder, files) => [...files].map(([path, text]) => [`${folder}/${path}`, text]);

const documents = [...filesBelow("docs")].filter(([path]) => path.endsWith(".md"));
const guides = ["README.md", "CONTRIBUTING.md"].filter((name) => existsSync(at(name)));

const complaints = [
  ...judge(ROOMS, typed),
  ...judgeSizes(new Map([...below("src", src), ...below("test", test)])),
  ...judgeWords(
    new Map([
      ...below("src", src),
      ...below("docs", documents),
      ...guides.map((name) => [name, readFileSync(at(name), "utf8")]),
    ]),
  ),
];
const document = readFileSync(at("docs/architecture.md"), "utf8");
if (withTable(document, ROOMS) !== document) {
  complaints.push("docs/architecture.md: its table of rooms is old. Type: npm run docs");
}
for (const complaint of complaints) console.error(complaint);
if (complaints.length > 0) {
  console.error(
    "\nscripts/fences/rooms.js says which folder may import which; CONTRIBUTING.md says which words to use.",
  );
  process.exitCode = 1;
}
