import { extname } from "node:path";
import { inputError } from "../common/errors.js";
import { writeOutputFile } from "../common/files/outputFile.js";
import { counted } from "../common/text.js";
import { renderFitted } from "../report/fit.js";
import { createProgressBar, type ProgressBar } from "../report/live/progressBar.js";
import { type ClassAccuracy, classAccuracies, extremesTable, perClassCsv } from "../report/perClass.js";
import { confusionCsv, confusionSvg } from "../report/plots/confusionMatrix.js";
import { columns } from "../report/table.js";
import type { DetailedEval } from "../train/evaluate.js";
import type { EvalResult } from "../train/files/result.js";
import type { Output } from "./command.js";
import { COLUMNS, fileOf, isScreen, STDOUT } from "./output.js";

export type EvaluationFiles = { readonly per_class: string | undefined; readonly confusion: string | undefined };

/** Progress of an evaluation on a terminal. */
export function evaluationBar(output: Output) {
  const { stderr } = process;
  if (output.quiet || !isScreen(stderr)) return { update: () => {}, stop: () => {} };
  let bar: { readonly checkpoint: string; readonly line: ProgressBar } | undefined;
  return {
    update(checkpoint: string, images: number, total: number) {
      if (bar?.checkpoint !== checkpoint) {
        bar?.line.stop();
        bar = { checkpoint, line: createProgressBar(stderr, COLUMNS, output.color) };
        bar.line.start(total, 0);
      }
      bar.line.update(images, [`${images} of ${total} images`, checkpoint]);
    },
    stop: () => bar?.line.stop(),
  };
}

const CONFUSION_ENDINGS = [".csv", ".svg"];

/** @throws inputError before any work for files that could not be written as asked */
export function checkEvaluationFiles({ confusion }: EvaluationFiles, checkpoints: number): void {
  if (confusion === undefined) return;
  if (!CONFUSION_ENDINGS.includes(extname(confusion))) {
    throw inputError(`--confusion ${confusion} must end in .csv or .svg.`, "Such as --confusion confusion.svg.");
  }
  if (checkpoints > 1) {
    throw inputError(`--confusion takes one checkpoint, not ${checkpoints}.`, "Evaluate them one at a time.");
  }
}

const perClassText = (details: readonly DetailedEval[], names: readonly string[]): string =>
  perClassCsv(
    details.map(({ result, confusion: counts }) => ({
      checkpoint: result.checkpoint,
      classes: classAccuracies(counts, names),
    })),
  );

/** Writes the files that were asked for. @param names of the classes */
export async function writeEvaluationFiles(
  { per_class, confusion }: EvaluationFiles,
  details: readonly DetailedEval[],
  names: readonly string[],
): Promise<void> {
  const table = fileOf(per_class);
  if (table !== undefined) await writeOutputFile(table, perClassText(details, names));
  const [first] = details;
  if (confusion === undefined || first === undefined) return;
  const matrix = { counts: first.confusion, names };
  const { model, n, top1 } = first.result;
  const title = `${model}: ${counted(n, "test image")}, top-1 ${top1.toFixed(2)} %`;
  const isCsv = extname(confusion) === ".csv";
  await writeOutputFile(confusion, isCsv ? confusionCsv(matrix) : confusionSvg(matrix, title));
}

const computedBy = ({ precision, engine, device, tf32 }: EvalResult): string =>
  `${precision}${tf32 ? " (TF32 allowed)" : ""}, ${engine} engine, ${device}`;

const predictorOf = ({ model, predictsThrough }: EvalResult): string =>
  predictsThrough === undefined ? model : `${model} with ${predictsThrough}`;

const TOP = 5;

function fewClassesText(classes: number): string | undefined {
  if (classes > TOP) return undefined;
  return `Top-5 counts every image: there ${classes === 1 ? "is 1 class" : `are ${classes} classes`} in all.`;
}

const paragraph = (result: EvalResult): string =>
  [
    `${result.checkpoint} (${predictorOf(result)}, ${counted(result.n, "image")})`,
    `  top-1 ${result.top1.toFixed(2)} %  top-5 ${result.top5.toFixed(2)} %  loss ${result.loss.toFixed(4)}`,
    `  ${Math.round(result.imagesPerSecond)} images/s, ${computedBy(result)}`,
  ].join("\n");

function comparison(results: readonly EvalResult[], width: number | undefined): string {
  const rows = results.map((result) => [
    result.checkpoint,
    predictorOf(result),
    `${result.n}`,
    result.top1.toFixed(2),
    result.top5.toFixed(2),
    result.loss.toFixed(4),
    `${Math.round(result.imagesPerSecond)}`,
  ]);
  const titles = columns("checkpoint", "model", ">images", ">top-1 %", ">top-5 %", ">loss", ">images/s");
  const table = renderFitted({ columns: titles, rows }, width);
  return `${table}\n\nIn ${[...new Set(results.map(computedBy))].join(", ")}.`;
}

/** Results as text: a paragraph for one checkpoint, a table for several; with best and worst classes if requested. */
export function evaluationText(
  details: readonly DetailedEval[],
  names: readonly string[],
  { per_class, confusion }: EvaluationFiles,
  width?: number,
): string {
  if (per_class === STDOUT) return perClassText(details, names).trimEnd();
  const results = details.map(({ result }) => result);
  const [only] = results;
  const head = results.length === 1 && only !== undefined ? paragraph(only) : comparison(results, width);
  const extremes = (per_class === undefined ? [] : details).map(
    ({ result, confusion: counts }) =>
      `${result.checkpoint}:\n${renderFitted(extremesTable(classAccuracies(counts, names)), width)}`,
  );
  const few = fewClassesText(names.length) ?? [];
  const written = [per_class, confusion].filter((file) => file !== undefined);
  const last = written.length === 0 ? [] : [`Written: ${written.join(", ")}`];
  return [head, few, ...extremes, ...last].flat().join("\n\n");
}

/** Results as JSON: one document, or a list; classes under `perClass` if requested. */
export function evaluationDocument(
  details: readonly DetailedEval[],
  names: readonly string[],
  { per_class }: EvaluationFiles,
): unknown {
  const documents = details.map(({ result, confusion }): EvalResult & { perClass?: readonly ClassAccuracy[] } => ({
    ...result,
    ...(per_class !== undefined && { perClass: classAccuracies(confusion, names) }),
  }));
  return documents.length === 1 ? documents[0] : documents;
}
