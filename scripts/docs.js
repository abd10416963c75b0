// Writes docs/flags.md and the README's table of options from the table in src/config/options.ts.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { betweenMarkers, flagsReference, readmeTable } from "../dist/cli/reference.js";

const at = (path) => new URL(`../${path}`, import.meta.url);

writeFileSync(at("docs/flags.md"), await flagsReference());
const readme = at("README.md");
if (existsSync(readme)) {
  writeFileSync(readme, betweenMarkers(readFileSync(readme, "utf8"), await readmeTable()));
}
