import { statSync } from "node:fs";
import { extname, join } from "node:path";
import type { Finding } from "../../analysis/analyze.js";
import { analysisCsvTable, analysisDocument, analysisTable, LEGEND } from "../../analysis/present.js";
import type { Subject } from "../../analysis/subjects.js";
import { inputError, PefdError } from "../../common/errors.js";
import { makeFolder } from "../../common/files/atomicFile.js";
import { writeOutputFile } from "../../common/files/outputFile.js";
import { choice, flag, path, paths, section, type Values } from "../../common/optionRow.js";
import { DOCUMENT, GENERAL, TEST_DATA } from "../../config/commandOptions.js";
import { modelNameOf } from "../../config/modelName.js";
import { GPU } from "../../config/options.js";
import { type Layer, resolveRows, resolveSection } from "../../config/resolve.js";
import { fitLines, renderFitted } from "../../report/fit.js";
import type { RunRecord } from "../../report/runs/runRecord.js";
import { renderCsv } from "../../report/table.js";
import type { inputReader } from "../../train/openModel.js";
import type { Command, Output } from "../command.js";
import { modelNameInFile } from "../modelInFile.js";
import { fileOf, STDOUT } from "../output.js";

const ANALYSIS = section("Analysis", {
  checkpoint: paths([], "The student's checkpoint: .pth or .safetensors; may be repeated.", { flagOnly: true }),
  model: choice<string, undefined>("models", undefined, "The student's model.", { defaultText: "from --checkpoint" }),
  path_t: path(undefined, "The teacher's checkpoint.", { defaultText: "the run's" }),
  model_t: choice<string, undefined>("models", undefined, "The teacher's model.", { defaultText: "from --path_t" }),
  run: paths([], "A run folder, or a folder of runs: all their checkpoints; may be repeated.", {
    flagOnly: true,
    completes: "runs",
    valueName: "DIR",
  }),
  last: flag("Only the last checkpoint of each run.", { flagOnly: true }),
  gpu: GPU,
  csv: path(undefined, "Write the table as CSV with full precision to this file; - prints it.", {
    flagOnly: true,
    valueName: "FILE|-",
  }),
  svg: path(undefined, "Plot all measures to this file, or to measures.svg in a folder.", {
    flagOnly: true,
    valueName: "FILE|DIR",
  }),
});

type Options = Values<typeof ANALYSIS>;

/** Typed image options; the run's configuration has the rest. */
function typedData(layers: readonly Layer[]) {
  const { ranks } = resolveRows([TEST_DATA], layers);
  const { dataset, data, image_size, limit_test, skip_list } = resolveSection(TEST_DATA, layers);
  const typed = {
    dataset: ranks.dataset === undefined ? undefined : dataset,
    data: ranks.data === undefined ? undefined : data,
  };
  const others = { imageSize: image_size, limitTest: limit_test, skipList: skip_list };
  return { typed, dataset, data, others };
}

async function modelOf(file: string, named: string | undefined, flagName: string): Promise<string> {
  const found = named ?? modelNameOf(file) ?? (await modelNameInFile(file));
  if (found !== undefined) return found;
  throw inputError(
    `The model of ${file} cannot be determined from the file or its folder.`,
    `Set it with --${flagName}, such as --${flagName} resnet8x4.`,
  );
}

async function subjectsOfFiles(
  { checkpoint, model, path_t, model_t }: Options,
  { dataset, data, others }: ReturnType<typeof typedData>,
): Promise<Subject[]> {
  if (path_t === undefined) {
    throw inputError(
      "Analyzing a checkpoint needs its teacher.",
      "Give the teacher's checkpoint with --path_t, or the student's run with --run.",
    );
  }
  const teacherModel = await modelOf(path_t, model_t, "model_t");
  const setting = { teacherPath: path_t, teacherModel, dataset, data, ...others };
  const subjects: Subject[] = [];
  for (const file of checkpoint) {
    const name = await modelOf(file, model, "model");
    subjects.push({ ...setting, checkpoint: file, model: name, run: undefined });
  }
  return subjects;
}

async function subjectsOf(
  options: Options,
  folders: readonly string[],
  layers: readonly Layer[],
  output: Output,
): Promise<Subject[]> {
  const { checkpoint, path_t } = options;
  if (checkpoint.length > 0 && folders.length > 0) throw inputError("Give either --checkpoint or --run, not both.");
  if (checkpoint.length === 0 && folders.length === 0) {
    throw inputError(
      "No student given.",
      "Give a file with --checkpoint and its teacher with --path_t, or a run's folder with --run.",
    );
  }
  if (checkpoint.length > 0) {
    const { withDatasetOf } = await import("../../train/checkpointDataset.js");
    return subjectsOfFiles(options, typedData(await withDatasetOf(layers, checkpoint)));
  }
  const images = typedData(layers);
  const { subjectsOfRuns } = await import("../../analysis/subjects.js");
  const teacherModel = path_t && (await modelOf(path_t, options.model_t, "model_t"));
  const given = { teacherPath: path_t, teacherModel, ...images.typed };
  const overrides = { ...given, ...images.others };
  const subjects = subjectsOfRuns(folders, overrides, options.last, ({ message, hint }) =>
    output.notice(`warning: ${[message, hint ?? ""].join(" ").trim()}`),
  );
  const { dataset, data } = images.typed;
  const typed = { path_t, model_t: options.model_t, dataset, data, skip_list: images.others.skipList };
  return withOwnInputs(subjects, new Set(keysOf(typed)), output);
}

const keysOf = (values: Readonly<Record<string, unknown>>): string[] =>
  Object.keys(values).filter((key) => values[key] !== undefined);

async function whyUnusable(
  { config }: RunRecord,
  typed: ReadonlySet<string>,
  reader: ReturnType<typeof inputReader>,
): Promise<PefdError | undefined> {
  const { changedInputs } = await import("../../verify/inputs.js");
  try {
    const changed = await changedInputs(config, typed, reader);
    if (changed.length === 0) return undefined;
    return inputError(`${changed.join("; ")}.`, "Restore the run's inputs, or give others with --path_t or --data.");
  } catch (error) {
    if (error instanceof PefdError) return error;
    throw error;
  }
}

/** Leaves out runs with other inputs than recorded, but for `typed` options; throws inputError if none is left. */
async function withOwnInputs(
  subjects: readonly Subject[],
  typed: ReadonlySet<string>,
  output: Output,
): Promise<Subject[]> {
  const { inputReader } = await import("../../train/openModel.js");
  const reader = inputReader();
  const changed = new Map<RunRecord | undefined, PefdError>();
  for (const run of new Set(subjects.map((subject) => subject.run))) {
    const why = run && (await whyUnusable(run, typed, reader));
    if (why === undefined) continue;
    output.notice(`warning: skipping ${run?.dir}: ${why.message}`);
    changed.set(run, why);
  }
  const left = subjects.filter(({ run }) => !changed.has(run));
  if (left.length > 0) return left;
  throw [...changed.values()][0];
}

/** A name that ends in a slash or has no ending is a folder, as one that is there. */
function plotFile(svg: string): string {
  const found = statSync(svg, { throwIfNoEntry: false });
  const isFolder = found?.isDirectory() ?? (svg.endsWith("/") || extname(svg) === "");
  if (!isFolder) return svg;
  makeFolder(svg);
  return join(svg, "measures.svg");
}

async function writeFiles({ csv, svg }: Options, findings: readonly Finding[]): Promise<string[]> {
  const written: string[] = [];
  const write = async (file: string, text: string) => {
    await writeOutputFile(file, `${text}\n`);
    written.push(file);
  };
  const table = fileOf(csv);
  if (table !== undefined) await write(table, renderCsv(analysisCsvTable(findings)));
  if (svg !== undefined) {
    const { analysisPlot } = await import("../../analysis/plot.js");
    await write(plotFile(svg), analysisPlot(findings));
  }
  return written;
}

function textOf(findings: readonly Finding[], { csv }: Options, width: number | undefined): string {
  if (csv === STDOUT) return renderCsv(analysisCsvTable(findings));
  return [renderFitted(analysisTable(findings), width), "", fitLines(LEGEND, width)].join("\n");
}

/** pefd analyze: the paper's feature measures of student and teacher. */
export const command: Command = {
  sections: [ANALYSIS, TEST_DATA, DOCUMENT, GENERAL],
  positionals: { usage: "[DIR...]", min: 0, max: Number.POSITIVE_INFINITY, completes: "runs" },
  examples: [
    ["pefd analyze --checkpoint STUDENT --path_t TEACHER", "one student"],
    ["pefd analyze --run save/student_model/RUN --svg curves.svg", "every checkpoint of a run"],
    ["pefd analyze --last --run save/student_model", "all runs, by number of projectors"],
  ],
  async run({ layers, positionals, env, output }) {
    const options = resolveSection(ANALYSIS, layers);
    if (options.csv === STDOUT && output.json) throw inputError("Only one of --csv - and --json can be printed.");
    const subjects = await subjectsOf(options, [...options.run, ...positionals], layers, output);
    const { analyze } = await import("../../analysis/analyze.js");
    const findings = await analyze(subjects, (text) => output.notice(text), { env, gpu: options.gpu });
    // Print first: a failed write must not lose the result.
    output.result(textOf(findings, options, output.width), analysisDocument(findings));
    for (const file of await writeFiles(options, findings)) output.notice(`Written: ${file}`);
  },
};
