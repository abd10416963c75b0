// Writes bench.json and bench.md into a folder from documents of `pefd bench --json` and bench-pytorch.py --json:
// node scripts/bench-merge.js FOLDER PEFD.json [PYTORCH.json]. Called by bench-gpu.sh.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { timingTable } from "../dist/cli/bench/timingTable.js";
import { columns, renderMarkdown } from "../dist/report/table.js";

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

/** The fastest float32 of each program for every work that both have timed, and their ratio. */
function ratios() {
  const fastest = (isOurs, what) =>
    Math.min(
      ...documents
        .filter(({ tensorflow }) => (tensorflow !== undefined) === isOurs)
        .flatMap(({ results }) => results)
        .filter((result) => result.what === what && result.precision === "float32")
        .map(({ stepMs }) => stepMs),
    );
  const rows = [...new Set(timings.map(({ what }) => what))].flatMap((what) => {
    const [ours, theirs] = [fastest(true, what), fastest(false, what)];
    const isBoth = Number.isFinite(ours) && Number.isFinite(theirs);
    return isBoth ? [[what, ours.toFixed(1), theirs.toFixed(1), (ours / theirs).toFixed(2)]] : [];
  });
  if (rows.length === 0) return "";
  const heads = columns("what", ">pefd, ms/step", ">PyTorch, ms/step", ">pefd / PyTorch");
  return `\n\n${renderMarkdown({ columns: heads, rows })}`;
}

const device = documents.map((document) => `${program(document)}: ${document.device}`).join("\n\n");
const about = `${machine.gpu ?? machine.processor}, ${machine.date.slice(0, 10)}`;
writeFileSync(
  join(folder, "bench.json"),
  `${JSON.stringify({ machine, documents }, undefined, 2)}\n`,
);
writeFileSync(join(folder, "bench.md"), `# Speed: ${about}\n\n${device}\n\n${table}${ratios()}\n`);
console.log(`${table}${ratios()}`);
