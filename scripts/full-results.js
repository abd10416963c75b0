// Keeps what scripts/full-runs.sh made, and writes docs/results/full.md from what is kept:
//   node scripts/full-results.js [FOLDER]
// FOLDER is the one that scripts/full-runs.sh was given; without it the page is written again from docs/results/full.
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { welchTest } from "../dist/report/runs/ranking.js";

const PEFD = fileURLToPath(new URL("../bin/pefd.js", import.meta.url));
const KEPT = fileURLToPath(new URL("../docs/results/full", import.meta.url));
const PAGE = `${KEPT}.md`;
const FILES = ["config.json", "epochs.csv", "result.json"];

const json = (path) => JSON.parse(readFileSync(path, "utf8"));
const below = (folder) => (existsSync(folder) ? readdirSync(folder).sort() : []);

/** The columns of a CSV file by title, as numbers. */
function columnsOf(path) {
  const [titles, ...rows] = readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(","));
  return Object.fromEntries(titles.map((title, at) => [title, rows.map((row) => Number(row[at]))]));
}

/** Copies a run's record. How often it was interrupted is counted by its logs: every process begins one. */
function keepRun(from, to) {
  mkdirSync(to, { recursive: true });
  for (const file of FILES) if (existsSync(join(from, file))) copyFileSync(join(from, file), join(to, file));
  const processes = below(from).filter((name) => name.includes("tfevents")).length;
  writeFileSync(join(to, "interruptions"), `${Math.max(0, processes - 1)}\n`);
}

function keep(folder) {
  for (const part of ["save", "precision"]) {
    const runs = join(folder, part, "student_model");
    for (const name of below(runs)) {
      if (!existsSync(join(runs, name, "epochs.csv"))) continue;
      const { distill, trial, precision } = json(join(runs, name, "config.json"));
      keepRun(join(runs, name), join(KEPT, part, `${distill}-${precision}-trial${trial}`));
    }
  }
  for (const name of below(join(folder, "pytorch")).filter((file) => file.endsWith(".csv"))) {
    mkdirSync(join(KEPT, "pytorch"), { recursive: true });
    copyFileSync(join(folder, "pytorch", name), join(KEPT, "pytorch", name));
  }
}

const percent = (value) => value.toFixed(2);
const table = (head, rows) =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The table of the paper's length, a row a run. */
function fullTable() {
  const dir = join(KEPT, "save");
  const { experiments } = JSON.parse(execFileSync(process.execPath, [PEFD, "report", dir, "--json", "--quiet"]));
  const published = new Map(experiments.map((one) => [one.method, one]));
  const rows = below(dir).map((name) => {
    const config = json(join(dir, name, "config.json"));
    const { test_top1: top1, seconds } = columnsOf(join(dir, name, "epochs.csv"));
    const best = Math.max(...top1);
    const figure = published.get(config.distill);
    return [
      config.distill,
      `${top1.length} of ${config.epochs}`,
      top1.length === config.epochs ? percent(top1.at(-1)) : `(${percent(top1.at(-1))})`,
      `${percent(best)} (${top1.indexOf(best) + 1})`,
      figure?.published ? `${percent(figure.published)} (${figure.publishedBy})` : "-",
      (seconds.reduce((sum, one) => sum + one, 0) / 3600).toFixed(1),
      readFileSync(join(dir, name, "interruptions"), "utf8").trim(),
      config.precision,
    ];
  });
  const head = [
    "Method",
    "Epochs",
    "Last top-1",
    "Best top-1 (epoch)",
    "Published",
    "Hours",
    "Interruptions",
    "Precision",
  ];
  return table(head, rows);
}

const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
const deviation = (values) =>
  Math.sqrt(values.reduce((sum, one) => sum + (one - mean(values)) ** 2, 0) / (values.length - 1));
const spread = (values) =>
  values.length === 0 ? "-" : percent(mean(values)) + (values.length > 1 ? ` ± ${percent(deviation(values))}` : "");

/** Last test top-1 of every finished run of the comparison of precisions, by method and by what computed it. */
function precisionRuns() {
  const found = new Map();
  const add = (method, by, value) => {
    const key = `${method} ${by}`;
    found.set(key, [...(found.get(key) ?? []), value]);
  };
  for (const name of below(join(KEPT, "precision"))) {
    const dir = join(KEPT, "precision", name);
    const { distill, precision, epochs } = json(join(dir, "config.json"));
    const { test_top1: top1 } = columnsOf(join(dir, "epochs.csv"));
    if (top1.length === epochs) add(distill, precision, top1.at(-1));
  }
  for (const name of below(join(KEPT, "pytorch"))) {
    const { test_top1: top1 } = columnsOf(join(KEPT, "pytorch", name));
    if (top1.length === 24) add(name.split("-")[0], "pytorch", top1.at(-1));
  }
  return found;
}

function precisionTable() {
  const found = precisionRuns();
  const rows = ["kd", "ours"].map((method) => {
    const [bfloat16, float32, pytorch] = ["bfloat16", "float32", "pytorch"].map(
      (by) => found.get(`${method} ${by}`) ?? [],
    );
    const cells = [bfloat16, float32, pytorch].map((values) => `${spread(values)} (n ${values.length})`);
    const p = welchTest(bfloat16, float32);
    return [method, ...cells, p === undefined ? "-" : p.toFixed(2)];
  });
  return table(["Method", "bfloat16", "float32", "PyTorch, float32", "p (bfloat16 = float32)"], rows);
}

/** Draws test top-1 by epoch of all runs of the paper's length. */
function drawCurves() {
  const folder = mkdtempSync(join(tmpdir(), "pefd-full-"));
  execFileSync(process.execPath, [PEFD, "report", join(KEPT, "save"), "--svg", folder, "--quiet"]);
  copyFileSync(join(folder, "test_top1.svg"), join(KEPT, "test_top1.svg"));
  rmSync(folder, { recursive: true });
}

const [folder] = process.argv.slice(2);
if (folder !== undefined) keep(folder);
drawCurves();
writeFileSync(
  PAGE,
  `# Runs of the paper's length

CIFAR-100 whole, teacher resnet32x4 (the authors' checkpoint, 79.42), student resnet8x4, 240 epochs, batches of 64, the paper's
flags, trial 1. Written by \`node scripts/full-results.js\` from the files in [full/](full), which \`scripts/full-runs.sh\`
made; whatever came out is here as it is.

    scripts/full-runs.sh TEACHER.pth data/cifar-100-binary FOLDER && node scripts/full-results.js FOLDER

${fullTable()}

Top-1 in percent on the 10,000 test images; in parentheses where a run has not ended yet. Hours: all epochs together, evaluation
included, on 2 cores of an AMD EPYC (Zen 5) at \`nice -n 19\` beside other programs, which is several times what a quiet machine
takes. Interruptions: how often the run was stopped and resumed. \`--teacher_cache\` keeps the teacher's outputs on disk: 3.3 GB
for logits, 8.3 GB for pooled features.

![Test top-1 by epoch](full/test_top1.svg)

## Precision

The same images and models, 24 epochs with decays after 15, 18 and 21; mean and sample deviation of the last test top-1 over
seeds, and Welch's two-sided test. PyTorch's runs are \`scripts/train-pytorch.py\`.

${precisionTable()}
`,
);
console.log(`${PAGE} is written.`);
