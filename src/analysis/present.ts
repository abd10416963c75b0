import { basename } from "node:path";
import { columns, type Table } from "../report/table.js";
import type { Finding } from "./analyze.js";
import { MEASURES } from "./measures.js";
import { projectorsOf } from "./subjects.js";

/** Projectors that a student learned through: those beside it, or the 0 of its run; undefined where neither says. */
export const projectorCount = ({ subject, projectors }: Finding): number | undefined =>
  projectors ?? (subject.run && projectorsOf(subject.run) === 0 ? 0 : undefined);

const shortName = (path: string): string => basename(path).replace(/\.(safetensors|pth|pt)$/, "");

const facts = (finding: Finding) => ({
  run: finding.subject.run?.dir ?? null,
  checkpoint: finding.subject.checkpoint,
  model: finding.subject.model,
  teacher: finding.subject.teacherPath,
  model_t: finding.subject.teacherModel,
  distill: finding.subject.run?.method ?? null,
  num_proj: projectorCount(finding) ?? null,
  trial: finding.subject.run?.trial ?? null,
  epoch: finding.epoch ?? null,
  n: finding.n,
});

/** The document of --json: one object per checkpoint, null where a number does not exist. */
export const analysisDocument = (findings: readonly Finding[]) => ({
  images: "test",
  checkpoints: findings.map((finding) => ({ ...facts(finding), ...finding.measures })),
});

const rounded = (value: number | null | undefined, digits: number): string =>
  typeof value === "number" ? value.toFixed(digits) : "-";

const runName = ({ subject }: Finding): string => (subject.run === undefined ? "-" : basename(subject.run.dir));

/** For people: one line per checkpoint; without columns that are empty in every line. */
export function analysisTable(findings: readonly Finding[]): Table {
  const shown = MEASURES.filter(({ key }) => findings.some(({ measures }) => typeof measures[key] === "number"));
  const isMany = new Set(findings.map(({ subject }) => subject.run?.dir)).size > 1;
  const rows = findings.map((finding) => [
    ...(isMany ? [runName(finding)] : []),
    shortName(finding.subject.checkpoint),
    String(finding.epoch ?? "-"),
    String(projectorCount(finding) ?? "-"),
    String(finding.subject.run?.trial ?? "-"),
    ...shown.map(({ key, digits }) => rounded(finding.measures[key], digits)),
  ]);
  const titles = shown.map(({ title }) => `>${title}`);
  return { columns: columns(...(isMany ? ["Run"] : []), "Checkpoint", ">Epoch", ">Proj.", ">Trial", ...titles), rows };
}

const cell = (value: string | number | null | undefined): string => String(value ?? "");

/** For programs: no rounding, nothing where a number does not exist. */
export function analysisCsvTable(findings: readonly Finding[]): Table {
  const rows = findings.map((finding) => [
    ...Object.values(facts(finding)).map(cell),
    ...MEASURES.map(({ key }) => cell(finding.measures[key])),
  ]);
  const [first] = findings;
  const names = first === undefined ? [] : Object.keys(facts(first));
  return { columns: columns(...names, ...MEASURES.map(({ key }) => key)), rows };
}

export const LEGEND =
  "s: student, t: teacher, proj.: the student through its projectors. On the test images; MDA is the mean cosine\n" +
  "between student and teacher features, Between the mean cosine between class means (lower separates better).";
