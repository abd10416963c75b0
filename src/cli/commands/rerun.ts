import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { section } from "../../common/optionRow.js";
import { shellWord } from "../../common/text.js";
import { CONFIGURATION, DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { resolveDistill, resolveTeacher } from "../../config/derive.js";
import { readConfiguration } from "../../config/file.js";
import {
  ALL_SECTIONS,
  DISTILL_SECTIONS,
  type DistillOptions,
  TEACHER,
  type TeacherOptions,
} from "../../config/options.js";
import type { OptionValues } from "../../config/policy.js";
import { COMMANDS, type RecordKind } from "../../config/record.js";
import { type Layer, rowsOf } from "../../config/resolve.js";
import { haveSameWeights, isSameFolder, otherOptions, recordIn } from "../../train/files/result.js";
import { studentFolder, teacherFolder } from "../../train/files/runName.js";
import type { Command, Invocation } from "../command.js";

/** Repeated runs go below the --save_dir of the original. */
const REPEATED = "rerun";

const LOAD: Readonly<Record<RecordKind, () => Promise<{ command: Command }>>> = {
  distill: () => import("./distill.js"),
  teacher: () => import("./trainTeacher.js"),
};

interface Repeated {
  readonly runDir: string;
  readonly kind: RecordKind;
  readonly record: NonNullable<ReturnType<typeof recordIn>>;
  /** Typed options, then the run's config.json. */
  readonly layers: readonly Layer[];
}

function readRecord(runDir: string, typed: readonly Layer[]): Repeated {
  const found = recordIn(runDir);
  if (found === undefined) {
    throw inputError(
      `${runDir} is not a run folder: it has no config.json.`,
      "`pefd report --json` lists the run folders in ./save.",
    );
  }
  const { file } = found;
  const { record: kind, layers } = readConfiguration(file, rowsOf(ALL_SECTIONS));
  if (kind !== undefined) return { runDir, kind, record: found, layers: [...typed, ...layers] };
  throw inputError(`${file} is not a run's config.json.`, `Use it with --config ${file}.`);
}

const folderOf = ({ kind, layers }: Repeated) => {
  const { options } = kind === "distill" ? resolveDistill(layers) : resolveTeacher(layers);
  const saveDir = String(options.save_dir);
  const runDir =
    kind === "distill" ? studentFolder(options as DistillOptions) : teacherFolder(options as TeacherOptions);
  return { saveDir, runDir, options: options as Readonly<Record<string, unknown>> };
};

const PLACES = ["data", "path_t", "teacher_outputs", "skip_list"];

/** How typed options make it another run; throws inputError where inputs that nobody named have changed. */
async function otherThanRecord({ runDir, record, layers }: Repeated, options: OptionValues) {
  const { changedInputs } = await import("../../verify/inputs.js");
  const { config, file } = record;
  const [typed = {}] = layers.map(({ values }) => values);
  const named = Object.keys(typed).filter((name) => typed[name] !== undefined);
  const changed = await changedInputs(config, new Set(named));
  if (changed.length > 0) {
    throw inputError(
      `${runDir} cannot be repeated: ${changed.join("; ")}.`,
      `Restore its inputs. To train with its options on the current ones, type: pefd ${COMMANDS[config.kind]} --config ${shellWord(file)}`,
    );
  }
  const places = PLACES.filter((name) => named.includes(name)).map((name) => [name, options[name]]);
  const now = { ...config, ...Object.fromEntries(places) };
  const inputs = places.length === 0 ? [] : await changedInputs(now, new Set());
  return [...inputs, ...otherOptions(config, options)];
}

function besideText({ runDir, record }: Repeated, others: readonly string[], place: string) {
  if (others.length > 0) return `Another run than ${runDir}, in ${place}: ${others.join("; ")}.`;
  return record.config.identity === undefined
    ? `Repeating the same options in ${place}; ${runDir} is from an earlier version, which did not record data and teacher.`
    : `Repeating the run in ${place}.`;
}

/** The very same run again lies beside the one that it repeats, unless it is to take its place. */
async function besideItself(repeated: Repeated, { flags, output }: Invocation): Promise<Repeated> {
  const { saveDir, runDir, options } = folderOf(repeated);
  const others = await otherThanRecord(repeated, options);
  if (flags.force === true || !isSameFolder(runDir, repeated.runDir)) return repeated;
  const save_dir = join(saveDir, REPEATED);
  const beside = { label: () => "rerun", origin: () => "rerun", values: { save_dir } };
  output.notice(besideText(repeated, others, save_dir));
  return { ...repeated, layers: [beside, ...repeated.layers] };
}

async function compare(first: string, second: string, { output }: Invocation): Promise<void> {
  if (isSameFolder(first, second)) return;
  const same = haveSameWeights(first, second);
  if (same === undefined) return;
  const { verifyRun } = await import("../../verify/verify.js");
  const { findings } = await verifyRun(first);
  const changed = findings.find(({ verdict }) => verdict === "differs");
  if (changed !== undefined) {
    const { what, detail } = changed;
    output.notice(`${first} was modified, so nothing is compared: ${what}: ${detail}.`);
    return;
  }
  output.notice(
    same
      ? `The weights are bit-identical to those of ${first}.`
      : `warning: The weights differ from those of ${first}: another machine, engine or thread count may round differently.`,
  );
}

/** pefd rerun: repeats a run from its config.json, with typed options taking precedence. */
export const command: Command = {
  sections: [
    TEACHER,
    ...DISTILL_SECTIONS,
    section("Configuration", { dry_run: CONFIGURATION.rows.dry_run }),
    DOCUMENT,
    GENERAL,
  ],
  positionals: { usage: "RUN", min: 1, max: 1, completes: "runs" },
  examples: [
    ["pefd rerun save/student_model/RUN", "the same run, into save/rerun, and compared"],
    ["pefd rerun save/student_model/RUN --trial 2", "with another seed"],
    ["pefd rerun save/student_model/RUN --beta 50 --dry_run", "the configuration with another loss weight"],
  ],
  async run(invocation) {
    const [runDir] = invocation.positionals as [string];
    const repeated = await besideItself(readRecord(runDir, invocation.layers), invocation);
    const { command: own } = await LOAD[repeated.kind]();
    const code = await own.run({ ...invocation, positionals: [], layers: repeated.layers });
    if (invocation.flags.dry_run !== true) await compare(runDir, folderOf(repeated).runDir, invocation);
    return code || undefined;
  },
};
