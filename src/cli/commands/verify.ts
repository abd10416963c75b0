import { runError } from "../../common/errors.js";
import { cleanLine } from "../../common/text.js";
import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { palette } from "../../report/color.js";
import type { Finding, Verdict } from "../../verify/inputs.js";
import type { RunVerdict } from "../../verify/verify.js";
import type { Command } from "../command.js";
import { colorOnStdout } from "../output.js";

type Paint = ReturnType<typeof palette>;

const MARKS: Readonly<Record<Verdict, (paint: Paint) => string>> = {
  fits: (paint) => paint.green("ok"),
  differs: (paint) => paint.red("no"),
  unknown: (paint) => paint.yellow("--"),
};

const lineOf = ({ what, verdict, detail }: Finding, width: number, paint: Paint): string =>
  `  ${MARKS[verdict](paint)}  ${cleanLine(what).padEnd(width)}  ${cleanLine(detail)}`;

function describe({ runDir, findings }: RunVerdict, paint: Paint): string {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings.map((finding) => lineOf(finding, width, paint));
  return [cleanLine(runDir), ...lines].join("\n");
}

/** pefd verify: checks a run's inputs and files against its record; exit code 1 for mismatches. */
export const command: Command = {
  sections: [DOCUMENT, GENERAL],
  positionals: { usage: "RUN...", min: 1, max: Number.POSITIVE_INFINITY, completes: "runs" },
  examples: [
    ["pefd verify save/student_model/RUN", "one run: data, teacher and files"],
    ["pefd verify save", "every run in ./save"],
  ],
  async run({ positionals, flags, output }) {
    const { inputReader } = await import("../../train/openModel.js");
    const { runFolders, verifyRun } = await import("../../verify/verify.js");
    const verdicts: RunVerdict[] = [];
    const reader = inputReader();
    for (const folder of runFolders(positionals)) verdicts.push(await verifyRun(folder, reader));
    const paint = palette(colorOnStdout(flags.no_color === true));
    output.result(verdicts.map((verdict) => describe(verdict, paint)).join("\n\n"), { runs: verdicts });
    const bad = verdicts.filter(({ ok }) => !ok);
    if (bad.length === 0) return;
    const all = verdicts.length === 1 ? "The run does" : `${bad.length} of ${verdicts.length} runs do`;
    throw runError(`${all} not fit what is written down of it; the lines marked "no" say in what.`);
  },
};
