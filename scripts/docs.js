// Writes docs/flags.md from the table in src/config/options.ts, the catalogue of docs/methods.md from the registry of methods,
// the table of docs/data.md from the registry of data sets, the settings of docs/formats.md, and the table of
// docs/architecture.md from scripts/fences/rooms.js.
import { readFileSync, writeFileSync } from "node:fs";
import { datasetsTable } from "./docs/datasets.js";
import { formatsReference } from "./docs/formats.js";
import { methodsByIdea, methodsCatalogue } from "./docs/methods.js";
import { betweenMarkers, flagsReference } from "./docs/options.js";
import { withTable } from "./fences/document.js";
import { ROOMS } from "./fences/rooms.js";

const at = (path) => new URL(`../${path}`, import.meta.url);

writeFileSync(at("docs/flags.md"), await flagsReference());
const methods = at("docs/methods.md");
const catalogued = betweenMarkers(readFileSync(methods, "utf8"), methodsCatalogue(), "methods");
writeFileSync(methods, betweenMarkers(catalogued, methodsByIdea(), "ideas"));
const data = at("docs/data.md");
writeFileSync(data, betweenMarkers(readFileSync(data, "utf8"), datasetsTable(), "datasets"));
const formats = at("docs/formats.md");
writeFileSync(formats, betweenMarkers(readFileSync(formats, "utf8"), formatsReference(), "settings"));
const architecture = at("docs/architecture.md");
writeFileSync(architecture, withTable(readFileSync(architecture, "utf8"), ROOMS));
