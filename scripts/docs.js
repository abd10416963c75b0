// Writes docs/flags.md and the README's table of options from the table in src/config/options.ts, and the table of
// docs/architecture.md from scripts/fences/rooms.js.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { betweenMarkers, flagsReference, readmeTable } from "../dist/cli/reference.js";
import { withTable } from "./fences/document.js";
import { ROOMS } from "./fences/rooms.js";

const at = (path) => new URL(`../${path}`, import.meta.url);

writeFileSync(at("docs/flags.md"), await flagsReference());
const readme = at("README.md");
if (existsSync(readme)) {
  writeFileSync(readme, betweenMarkers(readFileSync(readme, "utf8"), await readmeTable()));
}
const architecture = at("docs/architecture.md");
writeFileSync(architecture, withTable(readFileSync(architecture, "utf8"), ROOMS));
