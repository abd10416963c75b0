import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { resolveDistill } from "../../config/derive.js";
import { readConfiguration, SWEEP_PRESETS } from "../../config/file.js";
import { ALL_SECTIONS } from "../../config/options.js";
import { presetNames, sweepNames } from "../../config/pairPresets.js";
import { figureAlone, figuresOf } from "../../config/published/lookup.js";
import { procedureName } from "../../config/record.js";
import { rowsOf } from "../../config/resolve.js";
import { renderFitted } from "../../report/fit.js";
import { columns } from "../../report/table.js";
import { SWEEP_ROWS } from "../../sweep/file.js";
import type { Command } from "../command.js";

function describeSweep(name: string) {
  const { description, layers } = readConfiguration(name, SWEEP_ROWS, SWEEP_PRESETS);
  const first = (option: string) => layers.find(({ values }) => values[option])?.values[option];
  return {
    name,
    kind: "sweep" as const,
    model_t: first("model_t") ?? null,
    model_s: first("model_s") ?? null,
    distill: first("distill") ?? null,
    procedure: null,
    gamma: null,
    alpha: null,
    beta: null,
    description,
    published: null,
  };
}

function describePreset(name: string) {
  const { description, layers } = readConfiguration(name, rowsOf(ALL_SECTIONS));
  const { options } = resolveDistill(layers);
  const { model_t, model_s, distill, gamma, alpha, beta } = options;
  const procedure = procedureName(distill as string, options);
  const published = publishedFor(`${model_t}`, `${model_s}`);
  return {
    name,
    kind: "preset" as const,
    model_t: model_t ?? null,
    model_s,
    distill,
    procedure,
    gamma,
    alpha,
    beta,
    description: description ?? null,
    published: published ?? null,
  };
}

/** Published top-1 accuracies of a pair by method, those of teacher and student without distillation first. */
function publishedFor(teacher: string, student: string): Record<string, number> | undefined {
  const figures = figuresOf(`${teacher}-${student}`);
  if (figures.size === 0) return undefined;
  const alone = { teacher: figureAlone(teacher), student: figureAlone(student) };
  const known = [...Object.entries(alone), ...figures].filter(([, figure]) => figure !== undefined);
  return Object.fromEntries(known.map(([name, figure]) => [name, figure?.top1 as number]));
}

type Preset = ReturnType<typeof describePreset>;

function remark({ description, procedure, published }: Preset): string {
  const told = ["teacher", "student", procedure].flatMap((name) => {
    const top1 = published?.[name];
    return top1 === undefined ? [] : [`${name} ${top1.toFixed(2)}`];
  });
  return description ?? told.join("  ");
}

function line(preset: Preset): [string, string, string] {
  const { name, distill, gamma, alpha, beta } = preset;
  return [name, `${distill} -r ${gamma} -a ${alpha} -b ${beta}`, remark(preset)];
}

/** pefd config list: the presets, those for sweeps among them, with the published top-1 accuracies of their pairs. */
export const command: Command = {
  sections: [DOCUMENT, GENERAL],
  examples: [["pefd config list", "names for --config and pefd sweep, with published top-1 accuracies in %"]],
  async run({ output }) {
    const presets = presetNames().map(describePreset);
    const sweeps = sweepNames().map(describeSweep);
    const rows = [
      ...presets.map(line),
      ...sweeps.map(({ name, description = "" }) => [name, "pefd sweep", description]),
    ];
    const titles = columns("preset", "method", "published top-1 (%)");
    output.result(renderFitted({ columns: titles, rows }, output.width), [
      ...presets,
      ...sweeps.map((one) => ({ ...one, description: one.description ?? null })),
    ]);
  },
};
