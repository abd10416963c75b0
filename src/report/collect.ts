import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../common/errors.js";
import { EPOCH_LOG, readEpochLog } from "./epochLog.js";
import type { RunRecord } from "./runRecord.js";

/** The runs found, and a sentence for each folder that looks like a run and cannot be read. */
export interface Collection {
  readonly runs: readonly RunRecord[];
  readonly problems: readonly string[];
}

const CONFIG = "config.json";
const RESULT = "result.json";

type Json = Readonly<Record<string, unknown>>;

function readJson(path: string): Json | undefined {
  if (!existsSync(path)) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw inputError(`${path} cannot be read: ${(error as Error).message}.`);
  }
  if (typeof content === "object" && content !== null && !Array.isArray(content)) {
    return content as Json;
  }
  throw inputError(`${path} holds no object.`);
}

const text = (value: unknown) => (typeof value === "string" ? value : undefined);
const number = (value: unknown) => (typeof value === "number" ? value : undefined);

const isRun = (config: Json) => config.kind === "distill" || config.kind === "teacher";

function toRecord(dir: string, config: Json): RunRecord {
  const model = text(config.model) ?? text(config.model_s);
  const epochs = number(config.epochs);
  if (model === undefined || epochs === undefined) {
    throw inputError(`${join(dir, CONFIG)} does not tell the run's model and epochs.`);
  }
  const distilled = config.kind === "distill";
  const rows = readEpochLog(dir);
  const log = join(dir, EPOCH_LOG);
  return {
    dir,
    kind: distilled ? "distill" : "teacher",
    model,
    teacher: distilled ? (text(config.teacher) ?? text(config.model_t)) : undefined,
    method: distilled ? text(config.distill) : undefined,
    trial: number(config.trial) ?? 1,
    epochs,
    rows,
    finished: (rows.at(-1)?.epoch ?? 0) >= epochs,
    config,
    result: readJson(join(dir, RESULT)),
    updatedAt: statSync(existsSync(log) ? log : join(dir, CONFIG)).mtimeMs,
  };
}

/** Folders below one that may hold runs; installed packages and hidden folders do not. */
function foldersBelow(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .filter(({ name }) => !name.startsWith(".") && name !== "node_modules")
    .map(({ name }) => join(dir, name));
}

/** What a folder and those below it hold; a run's own folder is not searched further. */
function search(dir: string): Collection {
  try {
    const config = readJson(join(dir, CONFIG));
    if (config && isRun(config)) return { runs: [toRecord(dir, config)], problems: [] };
    return merge(foldersBelow(dir).map(search));
  } catch (error) {
    // A config.json of some other program below the folder is nobody's problem.
    if (!existsSync(join(dir, EPOCH_LOG))) return { runs: [], problems: [] };
    return { runs: [], problems: [(error as Error).message] };
  }
}

const merge = (parts: readonly Collection[]): Collection => ({
  runs: parts.flatMap(({ runs }) => runs),
  problems: parts.flatMap(({ problems }) => problems),
});

function checkFolder(dir: string): string {
  if (existsSync(dir) && statSync(dir).isDirectory()) return dir;
  throw inputError(
    `There is no folder ${dir}.`,
    "Give the folder of a run, or one above runs such as the --save_dir of training.",
  );
}

const byName = new Intl.Collator("en", { numeric: true });

/**
 * The runs in some folders and below them, unfinished ones included; each once, sorted by folder.
 * Only logs are read: config.json, epochs.csv and result.json, which may be being written.
 * @throws inputError where a given folder does not exist
 */
export function collectRuns(dirs: readonly string[]): Collection {
  const { runs, problems } = merge(dirs.map(checkFolder).map(search));
  const unique = new Map(runs.map((run) => [realpathSync(run.dir), run]));
  return {
    runs: [...unique.values()].sort((a, b) => byName.compare(a.dir, b.dir)),
    problems: [...new Set(problems)],
  };
}
