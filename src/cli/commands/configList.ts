import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { resolveDistill } from "../../config/derive.js";
import { readConfiguration } from "../../config/file.js";
import { presetNames } from "../../config/pairPresets.js";
import { procedureName } from "../../config/procedureName.js";
import { figureAlone, figuresOf } from "../../config/published/lookup.js";
import { rowsOf } from "../../config/resolve.js";
import { ALL_SECTIONS } from "../../config/sections.js";
import { columns, renderText } from "../../report/table.js";
import type { Command } from "../command.js";

/** What the list says of a preset. */
function describePreset(name: string) {
  const { description, layers } = readConfiguration(name, rowsOf(ALL_SECTIONS));
  const { options } = resolveDistill(layers);
  const { model_t, model_s, distill, gamma, alpha, beta } = options;
  const procedure = procedureName(distill as string, options);
  const published = publishedFor(`${model_t}`, `${model_s}`);
  return {
    ...{ name, model_t, model_s, distill, procedure },
    gamma,
    alpha,
    beta,
    description,
    published,
  };
}

/** Published top-1 accuracies of a pair by method, those of teacher and student alone first. */
function publishedFor(teacher: string, student: string): Record<string, number> | undefined {
  const figures = figuresOf(`${teacher}-${student}`);
  if (figures.size === 0) return undefined;
  const alone = { teacher: figureAlone(teacher), student: figureAlone(student) };
  const all = [...Object.entries(alone), ...figures].flatMap(([name, figure]) => {
    return figure === undefined ? [] : [[name, figure.top1] as const];
  });
  return Object.fromEntries(all);
}

type Preset = ReturnType<typeof describePreset>;

/** What the preset is for, or the published figures of teacher, student and method. */
function remark({ description, procedure, published = {} }: Preset): string {
  const told = ["teacher", "student", procedure].flatMap((name) => {
    const top1 = published[name];
    return top1 === undefined ? [] : [`${name} ${top1.toFixed(2)}`];
  });
  return description ?? told.join("  ");
}

function line(preset: Preset): [string, string, string] {
  const { name, distill, gamma, alpha, beta } = preset;
  return [name, `${distill} -r ${gamma} -a ${alpha} -b ${beta}`, remark(preset)];
}

/** pefd config list: the presets, with the published top-1 accuracies of their pairs. */
export const command: Command = {
  sections: [DOCUMENT, GENERAL],
  examples: [["pefd config list", "names for --config, with published top-1 accuracies in %"]],
  async run({ output }) {
    const presets = presetNames().map(describePreset);
    const titles = columns(
      "preset",
      "method",
      "published top-1 (%), teacher and student alone first",
    );
    output.result(renderText({ columns: titles, rows: presets.map(line) }), presets);
    return undefined;
  },
};
