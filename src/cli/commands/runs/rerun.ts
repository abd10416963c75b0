import { join } from "node:path";
import { inputError } from "../../../common/errors.js";
import { section } from "../../../common/optionRow.js";
import { CONFIGURATION, DOCUMENT, GENERAL } from "../../../config/commandOptions.js";
import { resolveDistill, resolveTeacher } from "../../../config/derive.js";
import { readConfiguration } from "../../../config/file.js";
import { type DistillOptions, TEACHER, type TeacherOptions } from "../../../config/options.js";
import type { RecordKind } from "../../../config/record.js";
import { type Layer, rowsOf } from "../../../config/resolve.js";
import { ALL_SECTIONS, DISTILL_SECTIONS } from "../../../config/sections.js";
import { studentFolder, teacherFolder } from "../../../train/files/runName.js";
import { haveSameWeights, isSameFolder, recordIn } from "../../../train/files/sameRun.js";
import type { Command, Invocation } from "../../command.js";

/** Below the --save_dir of a run lies what repeats it. */
const REPEATED = "rerun";

const COMMANDS: Readonly<Record<RecordKind, () => Promise<{ command: Command }>>> = {
  distill: () => import("../distill.js"),
  teacher: () => import("../trainTeacher.js"),
};

/** A run that is to be repeated, as it stands. */
interface Repeated {
  readonly runDir: string;
  readonly kind: RecordKind;
  /** What was typed, then the run's own record. */
  readonly layers: readonly Layer[];
}

function readRecord(runDir: string, typed: readonly Layer[]): Repeated {
  const file = recordIn(runDir);
  if (file === undefined) {
    throw inputError(
      `${runDir} is not the folder of a run: it holds no config.json.`,
      "`pefd report --json` lists the folders of runs below ./save.",
    );
  }
  const { record, layers } = readConfiguration(file, rowsOf(ALL_SECTIONS));
  if (record !== undefined) return { runDir, kind: record, layers: [...typed, ...layers] };
  throw inputError(`${file} is not the record of a run.`, `Take it with --config ${file}.`);
}

/** Where the run would lie. */
const folderOf = ({ kind, layers }: Repeated): { saveDir: string; runDir: string } => {
  const { options } = kind === "distill" ? resolveDistill(layers) : resolveTeacher(layers);
  const saveDir = String(options.save_dir);
  if (kind === "distill") return { saveDir, runDir: studentFolder(options as DistillOptions) };
  return { saveDir, runDir: teacherFolder(options as TeacherOptions) };
};

/** The very same run again lies beside the one that it repeats, unless it is to take its place. */
function besideItself(repeated: Repeated, { flags, output }: Invocation): Repeated {
  const { saveDir, runDir } = folderOf(repeated);
  if (flags.force === true || !isSameFolder(runDir, repeated.runDir)) return repeated;
  const save_dir = join(saveDir, REPEATED);
  const beside = { label: () => "rerun", origin: () => "rerun", values: { save_dir } };
  output.notice(`The same run again, in ${save_dir}.`);
  return { ...repeated, layers: [beside, ...repeated.layers] };
}

/** Tells whether a run that was repeated as it was has come to the same weights. */
function compare(first: string, second: string, { output }: Invocation): void {
  if (isSameFolder(first, second)) return;
  const same = haveSameWeights(first, second);
  if (same === undefined) return;
  output.notice(
    same
      ? `The weights are those of ${first}, bit for bit.`
      : `warning: The weights are not those of ${first}: another machine, engine or number of threads may round otherwise.`,
  );
}

/** pefd rerun: a run once more, from what it wrote down; whatever is typed counts before that. */
export const command: Command = {
  sections: [
    ...[TEACHER, ...DISTILL_SECTIONS],
    section("Configuration", { dry_run: CONFIGURATION.rows.dry_run }),
    ...[DOCUMENT, GENERAL],
  ],
  positionals: { usage: "RUN", min: 1, max: 1, completes: "runs" },
  examples: [
    ["pefd rerun save/student_model/RUN", "the same run, beside it in save/rerun, and compared"],
    ["pefd rerun save/student_model/RUN --trial 2", "the same with another seed"],
    ["pefd rerun save/student_model/RUN --beta 50 --dry_run", "what another weight would run"],
  ],
  async run(invocation) {
    const [runDir] = invocation.positionals as [string];
    const repeated = besideItself(readRecord(runDir, invocation.layers), invocation);
    const { command: own } = await COMMANDS[repeated.kind]();
    const code = await own.run({ ...invocation, positionals: [], layers: repeated.layers });
    if (invocation.flags.dry_run !== true) compare(runDir, folderOf(repeated).runDir, invocation);
    return code;
  },
};
