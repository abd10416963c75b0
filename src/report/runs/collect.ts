import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { cleanLine } from "../../common/text.js";
import { teacherNameOf } from "../../config/options.js";
import { procedureName } from "../../config/record.js";
import { CONFIG_FILE, type RunConfig, readConfig } from "../../runFiles/identity.js";
import {
  failureOf,
  LOCK_FILE,
  RESULT_FILE,
  RESUME_FILE,
  type ResultContent,
  readResult,
} from "../../runFiles/stateFile.js";
import { EPOCH_LOG, packRows, readEpochLog } from "../log/epochLog.js";
import type { RunRecord } from "./runRecord.js";

function resultIn(dir: string): ResultContent | undefined {
  const found = readResult(dir);
  if (found.state === "damaged") {
    throw inputError(`${join(dir, RESULT_FILE)} is corrupt: ${found.reason}.`);
  }
  return found.state === "whole" ? found.content : undefined;
}

function methodOf(config: RunConfig): string | undefined {
  if (config.kind !== "distill" || config.distill === undefined) return undefined;
  return procedureName(config.distill, config);
}

/** The contents of a run folder; throws inputError naming the file that is damaged. */
function readRun(dir: string, config: RunConfig): RunRecord {
  const path = join(dir, CONFIG_FILE);
  const model = config.model ?? config.model_s;
  if (model === undefined) throw inputError(`${path} does not name the run's model.`);
  const distilled = config.kind === "distill";
  const rows = packRows(readEpochLog(dir));
  const log = join(dir, EPOCH_LOG);
  return {
    dir,
    kind: config.kind,
    model,
    teacher: distilled ? (config.teacher ?? teacherNameOf(config)) : undefined,
    method: methodOf(config),
    trial: config.trial ?? 1,
    epochs: config.epochs,
    rows,
    finished: (rows.at(-1)?.epoch ?? 0) >= config.epochs,
    config,
    result: resultIn(dir),
    failure: failureOf(dir),
    updatedAt: statSync(existsSync(log) ? log : path).mtimeMs,
  };
}

/** The runs found, and a sentence for each folder that looks like a run but cannot be read. */
export type Collection = { readonly runs: readonly RunRecord[]; readonly problems: readonly string[] };

/** Files that only a run leaves: what lies beside them and cannot be read is a damaged run. */
const MARKS = [EPOCH_LOG, RESULT_FILE, RESUME_FILE, LOCK_FILE];

const holdsMarks = (dir: string) => MARKS.some((name) => existsSync(join(dir, name)));

/** Folders below one that may hold runs; installed packages and hidden folders do not. */
function foldersBelow(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .filter(({ name }) => !name.startsWith(".") && name !== "node_modules")
    .map(({ name }) => join(dir, name));
}

/** The run in a folder. @throws an error that says why there is none */
function readRunIn(dir: string): RunRecord {
  const found = readConfig(dir);
  if (found.state === "whole") return readRun(dir, found.content);
  const problem = found.state === "damaged" ? `is corrupt: ${found.reason}` : "is missing";
  throw inputError(`${join(dir, CONFIG_FILE)} ${problem}.`);
}

/** The run in a folder, or why there is none though it looks like one. */
function runIn(dir: string): Collection {
  try {
    return { runs: [readRunIn(dir)], problems: [] };
  } catch (error) {
    // A config.json of some other program is nobody's problem.
    if (!holdsMarks(dir)) return NOTHING;
    return { runs: [], problems: [cleanLine((error as Error).message)] };
  }
}

/** A folder's own run, and subfolders to search: none below a run. */
export type Folder = { readonly own: Collection; readonly below: readonly string[] };

/** Reads a folder: its run, or why there is none though it looks like one. */
export function lookInto(dir: string): Folder {
  const own = runIn(dir);
  if (own.runs.length > 0) return { own, below: [] };
  try {
    return { own, below: foldersBelow(dir) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return { own, below: [] }; // it went while it was looked at
    const problem = cleanLine(`${dir} cannot be searched: ${message}.`);
    return { own: merge([own, { runs: [], problems: [problem] }]), below: [] };
  }
}

type Look = (dir: string) => Folder;

function search(dir: string, look: Look): Collection {
  const { own, below } = look(dir);
  return merge([own, ...below.map((each) => search(each, look))]);
}

const NOTHING: Collection = { runs: [], problems: [] };

const merge = (parts: readonly Collection[]): Collection => ({
  runs: parts.flatMap(({ runs }) => runs),
  problems: parts.flatMap(({ problems }) => problems),
});

function checkFolder(dir: string): string {
  if (existsSync(dir) && statSync(dir).isDirectory()) return dir;
  throw inputError(
    `No such folder: ${dir}.`,
    "Give a run folder, or a folder of runs such as the --save_dir of training.",
  );
}

const byName = new Intl.Collator("en", { numeric: true });

/**
 * The runs in some folders and below them, unfinished ones included; each once, sorted by folder. Reads logs only.
 * @param look reads a folder, or knows its content (collector.ts)
 * @throws inputError where a given folder does not exist
 */
export function collectRuns(dirs: readonly string[], look: Look = lookInto): Collection {
  const { runs, problems } = merge(dirs.map((dir) => search(checkFolder(dir), look)));
  const unique = new Map(runs.map((run) => [realpathSync(run.dir), run]));
  return { runs: [...unique.values()].sort((a, b) => byName.compare(a.dir, b.dir)), problems: [...new Set(problems)] };
}
