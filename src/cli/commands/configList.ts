import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { resolveDistill } from "../../config/derive.js";
import { readConfiguration } from "../../config/file.js";
import { presetNames } from "../../config/pairPresets.js";
import { rowsOf } from "../../config/resolve.js";
import { ALL_SECTIONS } from "../../config/sections.js";
import { columns, renderText } from "../../report/table.js";
import type { Command } from "../command.js";

/** What the list says of a preset. */
function describePreset(name: string) {
  const { description, published, layers } = readConfiguration(name, rowsOf(ALL_SECTIONS));
  const { model_t, model_s, distill, gamma, alpha, beta } = resolveDistill(layers).options;
  return { name, model_t, model_s, distill, gamma, alpha, beta, description, published };
}

type Preset = ReturnType<typeof describePreset>;

/** Published figures of the pair, or what the preset is for. */
function remark({ description, published }: Preset): string {
  const figures = Object.entries(published ?? {});
  return description ?? figures.map(([what, top1]) => `${what} ${top1.toFixed(2)}`).join("  ");
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
