import { environmentError, PefdError } from "../../common/errors.js";
import { flag, flagSection, section } from "../../common/optionRow.js";
import { DATA_PLACE, DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { resolveSection } from "../../config/resolve.js";
import { DATASETS } from "../../data/registry.js";
import { palette } from "../../report/color.js";
import type { Check, DataFound } from "../../runtime/doctor/doctor.js";
import type { Command } from "../command.js";
import { colorOnStdout } from "../output.js";
import { asTyped, programOf } from "../typed.js";

const FOLDER = section("Data", DATA_PLACE);

const DEPTH = flagSection("Depth", {
  deep: flag("Verify the checksums of all installed libraries, and the device's arithmetic against the CPU's."),
});

async function dataFound(dataset: string, directory: string): Promise<DataFound> {
  try {
    const { trainFile, testFile } = await DATASETS.row(dataset).files(directory);
    return { directory, records: { train: trainFile.images, test: testFile.images } };
  } catch (error) {
    if (!(error instanceof PefdError)) throw error;
    return { directory, records: { problem: error.message, hint: error.hint } };
  }
}

function describe(checks: readonly Check[], color: boolean): string {
  const paint = palette(color);
  const width = Math.max(...checks.map(({ title }) => title.length));
  return checks
    .map(({ ok, required, title, detail, hint, lines = [] }) => {
      const mark = ok ? paint.green("ok") : required ? paint.red("no") : paint.yellow("--");
      const more = hint === undefined ? lines : [...lines, asTyped(`-> ${hint}`, programOf(process))];
      const below = more.map((line) => `\n    ${" ".repeat(width)}  ${line}`).join("");
      return `${mark}  ${title.padEnd(width)}  ${detail}${below}`;
    })
    .join("\n");
}

/** pefd doctor: checks the installation; exit code 3 if something required is missing. */
export const command: Command = {
  sections: [FOLDER, DEPTH, DOCUMENT, GENERAL],
  examples: [
    ["pefd doctor", "check Node.js, TensorFlow, GPU and data"],
    ["pefd doctor --deep", "also verify the installed libraries and the device's arithmetic"],
  ],
  async run({ layers, flags, env, output }) {
    const { dataset, data } = resolveSection(FOLDER, layers);
    const { deep } = resolveSection(DEPTH, layers);
    const { diagnose } = await import("../../runtime/doctor/doctor.js");
    const node = { version: process.version, program: process.execPath };
    const more = async () => {
      const { arithmeticCheck } = await import("../../train/selfTest/selfTest.js");
      return arithmeticCheck(process.execPath, env);
    };
    const inputs = { node, env, deep, data: await dataFound(dataset, data) };
    const diagnosis = await diagnose(deep ? { ...inputs, more } : inputs);
    const color = colorOnStdout(flags.no_color === true);
    output.result(describe(diagnosis.checks, color), diagnosis);
    if (diagnosis.ok) return;
    const missing = diagnosis.checks.filter(({ ok, required }) => required && !ok);
    const what = missing.map(({ title }) => title).join(", ");
    const next = missing.find(({ hint }) => hint)?.hint;
    throw environmentError(`Not ready: ${what}.`, next && `-> ${next}`);
  },
};
