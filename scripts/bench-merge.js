// Writes bench.json and bench.md into a folder from documents of `pefd bench --json` and bench-pytorch.py --json:
// node scripts/bench-merge.js FOLDER PEFD.json [PYTORCH.json] ... Called by bench-gpu.sh. Of several documents of one program
// the medians count, the smallest and the largest of all.
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { timingTable } from "../dist/cli/commands/bench.js";
import { median } from "../dist/common/median.js";
import { grouped } from "../dist/common/text.js";

import { columns, renderMarkdown } from "../dist/report/table.js";

const [folder, ...files] = process.argv.slice(2);

const program = ({ tensorflow, pytorch }) =>
  tensorflow === undefined ? `PyTorch ${pytorch}` : `pefd, TensorFlow ${tensorflow}`;

/** One result of several of the same work. */
function joined(results) {
  const all = (key) => results.map((result) => result[key]);
  return {
    ...results[0],
    stepMs: median(all("stepMs")),
    stepMsMin: Math.min(...all("stepMsMin")),
    stepMsMax: Math.max(...all("stepMsMax")),
    imagesPerSecond: median(all("imagesPerSecond")),
    firstStepMs: median(all("firstStepMs")),
  };
}

/** One document of several of a program. */
function together(rounds) {
  const results = rounds.flatMap((document) => document.results);
  const work = ({ what, engine, precision, batchSize }) => [what, engine, precision, batchSize].join();
  return { ...rounds[0], results: [...grouped(results, work).values()].map(joined) };
}

const read = files.map((file) => JSON.parse(readFileSync(file, "utf8")));
const documents = [...grouped(read, program).values()].map(together);

const machine = {
  gpu: process.env.MACHINE || null,
  processor: cpus()[0]?.model.trim() ?? null,
  date: new Date().toISOString(),
};

const timings = documents.flatMap((document) =>
  document.results.map((result) => ({ ...result, program: program(document) })),
);
const byWork = (one, other) => one.what.localeCompare(other.what);
const table = renderMarkdown(timingTable(timings.sort(byWork)));

/**
 * The fastest of each program for every work that both have timed, and the ratio of their times: in float32, and in any
 * precision. An image's time counts, since the two may take different numbers of them at once.
 */
function ratios() {
  const most = (isOurs, what, isWanted) =>
    Math.max(
      ...documents
        .filter(({ tensorflow }) => (tensorflow !== undefined) === isOurs)
        .flatMap(({ results }) => results)
        .filter((result) => result.what === what && isWanted(result.precision))
        .map(({ imagesPerSecond }) => imagesPerSecond),
    );
  const kinds = { float32: (precision) => precision === "float32", any: () => true };
  const rows = [...new Set(timings.map(({ what }) => what))].flatMap((what) =>
    Object.entries(kinds).flatMap(([kind, isWanted]) => {
      const [ours, theirs] = [true, false].map((isOurs) => most(isOurs, what, isWanted));
      const isBoth = Number.isFinite(ours) && Number.isFinite(theirs);
      const ratio = (theirs / ours).toFixed(2);
      return isBoth ? [[what, kind, ours.toFixed(0), theirs.toFixed(0), ratio]] : [];
    }),
  );
  if (rows.length === 0) return "";
  const heads = ["what", "precision", ">pefd, images/s", ">PyTorch, images/s", ">time of pefd / PyTorch"];
  return `\n\n${renderMarkdown({ columns: columns(...heads), rows })}`;
}

const device = documents.map((document) => `${program(document)}: ${document.device}`).join("\n\n");
const about = `${machine.gpu ?? machine.processor}, ${machine.date.slice(0, 10)}`;
writeFileSync(join(folder, "bench.json"), `${JSON.stringify({ machine, documents }, undefined, 2)}\n`);
writeFileSync(join(folder, "bench.md"), `# Speed: ${about}\n\n${device}\n\n${table}${ratios()}\n`);
console.log(`${table}${ratios()}`);
