// Writes docs/flags.md and the README's table of options from the table in src/config/options.ts, the catalogue of
// docs/methods.md from the registry of methods, and the table of docs/architecture.md from scripts/fences/rooms.js.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { methodsCatalogue } from "../dist/cli/reference/methods.js";
import { betweenMarkers, flagsReference, readmeTable } from "../dist/cli/reference/options.js";
import { withTable } from "./fences/document.js";
import { ROOMS } from "./fences/rooms.js";

const at = (path) => new URL(`../${path}`, import.meta.url);

writeFileSync(at("docs/flags.md"), await flagsReference());
const readme = at("README.md");
if (existsSync(readme)) {
  writeFileSync(readme, betweenMarkers(readFileSync(readme, "utf8"), await readmeTable(), "flags"));
}
const methods = at("docs/methods.md");
writeFileSync(
  methods,
  betweenMarkers(readFileSync(methods, "utf8"), methodsCatalogue(), "methods"),
);
const architecture = at("docs/architecture.md");
writeFileSync(architecture, withTable(readFileSync(architecture, "utf8"), ROOMS));
