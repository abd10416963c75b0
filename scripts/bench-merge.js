// Writes bench.json and bench.md into a folder from documents of `pefd bench --json` and bench-pytorch.py --json:
// node scripts/bench-merge.js FOLDER PEFD.json [PYTORCH.json]. Called by bench-gpu.sh.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { timingTable } from "../dist/cli/timingTable.js";
import { renderMarkdown } from "../dist/report/table.js";

const [folder, ...files] = process.argv.slice(2);
const documents = files.map((file) => JSON.parse(readFileSync(file, "utf8")));

const machine = {
  gpu: process.env.MACHINE || null,
  processor: cpus()[0]?.model.trim() ?? null,
  date: new Date().toISOString(),
};

const program = ({ tensorflow, pytorch }) =>
  tensorflow === undefined ? `PyTorch ${pytorch}` : `pefd, TensorFlow ${tensorflow}`;

const timings = documents.flatMap((document) =>
  document.results.map((result) => ({ ...result, program: program(document) })),
);
const byWork = (one, other) => one.what.localeCompare(other.what);
const table = renderMarkdown(timingTable(timings.sort(byWork)));

const device = documents.map((document) => `${program(document)}: ${document.device}`).join("\n\n");
const about = `${machine.gpu ?? machine.processor}, ${machine.date.slice(0, 10)}`;
writeFileSync(
  join(folder, "bench.json"),
  `${JSON.stringify({ machine, documents }, undefined, 2)}\n`,
);
writeFileSync(join(folder, "bench.md"), `# Speed: ${about}\n\n${device}\n\n${table}\n`);
console.log(table);
