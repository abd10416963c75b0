// The results of scripts/gpu-check.sh as a table of docs/gpu.md, which takes the place of an earlier one of that GPU:
// node scripts/gpu-table.js REPORT.jsonl [DOCUMENT]
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [report, document = fileURLToPath(new URL("../docs/gpu.md", import.meta.url))] = process.argv.slice(2);
if (report === undefined) {
  console.error("Usage: node scripts/gpu-table.js REPORT.jsonl [DOCUMENT]");
  process.exit(2);
}

const parts = readFileSync(report, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

const cell = (text) => text.trim().replaceAll("|", "/");

/** What a part found, in a few words: its document's numbers, else its last line. */
function found({ result, said }) {
  if (result?.results) {
    return result.results
      .filter(({ stepMs }) => stepMs !== undefined)
      .map(({ what, engine, precision, stepMs, stepMsMin, stepMsMax }) => {
        const range = stepMsMin === undefined ? "" : ` (${stepMsMin.toFixed(2)}-${stepMsMax.toFixed(2)})`;
        return `${[what, engine, precision].filter(Boolean).join(", ")}: ${stepMs.toFixed(2)} ms a step${range}`;
      })
      .join("; ");
  }
  if (result?.detail) return result.detail;
  if (result?.test)
    return `test top-1 ${result.test.top1.toFixed(2)} after ${result.epochs} epochs, ${result.stepMs.toFixed(2)} ms a step`;
  if (result?.top1 !== undefined)
    return `top-1 ${result.top1.toFixed(2)}, ${Math.round(result.imagesPerSecond)} images/s`;
  return said ?? "";
}

const device = parts.map(({ result }) => result?.device).find(Boolean) ?? "an unknown device";
const [begin, end] = [`<!-- gpu-table: ${device} -->`, "<!-- /gpu-table -->"];
const rows = parts.map(
  (part) => `| ${cell(part.part)} | ${cell(part.verdict)} | ${part.seconds} | ${cell(found(part))} |`,
);
const table = [
  begin,
  `### ${device}`,
  "",
  "| part | result | seconds | found |",
  "| --- | --- | --- | --- |",
  ...rows,
  end,
];

const text = readFileSync(document, "utf8");
const from = text.indexOf(begin);
const place = text.indexOf("<!-- gpu-tables -->");
if (from < 0 && place < 0) {
  console.error(`${document} has no line <!-- gpu-tables -->.`);
  process.exit(1);
}
const [before, after] =
  from < 0
    ? [text.slice(0, place), text.slice(place)]
    : [text.slice(0, from), text.slice(text.indexOf(end, from) + end.length + 2)];
writeFileSync(document, `${before}${table.join("\n")}\n\n${after}`);
