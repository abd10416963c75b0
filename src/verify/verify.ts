import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../common/errors.js";
import { isTemporary } from "../common/files/atomicFile.js";
import { describeFailure } from "../common/files/writeError.js";
import { counted } from "../common/text/counted.js";
import { CONFIG_FILE, type RunConfig, readConfig } from "../runFiles/config.js";
import { identitySha256 } from "../runFiles/identity.js";
import { LOCK_FILE } from "../runFiles/lockFile.js";
import { RESUME_FILE } from "../runFiles/progress.js";
import { RESULT_FILE } from "../runFiles/result.js";
import { workingProcess } from "../train/claim/lock.js";
import { inputReader } from "../train/openModel.js";
import { keptFinding, logFinding, modelIn, resultFinding, weightsFindings } from "./files.js";
import { differs, type Finding, fits, foundOrRefused, unknown } from "./finding.js";
import { inputFindings } from "./inputs.js";

/** What was found of one run. */
export interface RunVerdict {
  readonly runDir: string;
  readonly findings: readonly Finding[];
  /** Whether nothing was found that does not fit. */
  readonly ok: boolean;
}

const MARKS = [CONFIG_FILE, RESUME_FILE, RESULT_FILE];

const isRun = (folder: string): boolean => MARKS.some((name) => existsSync(join(folder, name)));

function runsBelow(folder: string): string[] {
  if (isRun(folder)) return [folder];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .flatMap(({ name }) => runsBelow(join(folder, name)));
}

/**
 * The folders of runs in some folders and below them.
 * @throws inputError where a folder cannot be read or holds none
 */
export function runFolders(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    let runs: string[];
    try {
      runs = runsBelow(folder);
    } catch (error) {
      throw inputError(
        `${folder} cannot be searched: ${describeFailure(error as NodeJS.ErrnoException)}.`,
        "Name a run's folder, or one above runs.",
      );
    }
    if (runs.length > 0) return runs;
    throw inputError(
      `${folder} holds no run, nor does any folder below it.`,
      "Name a run's folder.",
    );
  });
}

function configFinding(runDir: string): { finding: Finding; config?: RunConfig } {
  const found = foundOrRefused(() => readConfig(runDir));
  if (found.state === "absent") return { finding: differs(CONFIG_FILE, "it is missing") };
  if (found.state === "damaged") return { finding: differs(CONFIG_FILE, found.reason) };
  const { content: config, sealed } = found;
  if (sealed && config.identity !== undefined) {
    return {
      finding: fits(CONFIG_FILE, `${config.kind}, ${counted(config.epochs, "epoch")}`),
      config,
    };
  }
  const detail = "of an earlier version: it tells neither its checksum nor the run's inputs";
  return { finding: unknown(CONFIG_FILE, detail), config };
}

/** Who is at work, and what a killed process has left. */
function processFindings(runDir: string): Finding[] {
  const process = workingProcess(runDir);
  if (process !== undefined) return [unknown(LOCK_FILE, `process ${process} is at work`)];
  const left = readdirSync(runDir).filter((name) => name === LOCK_FILE || isTemporary(name));
  if (left.length === 0) return [];
  return [
    unknown(
      LOCK_FILE,
      `${counted(left.length, "file")} of a killed process, which the next one removes`,
    ),
  ];
}

/**
 * Recomputes who a run is and the checksum of every file that it left. Nothing is changed, and the native library is
 * not needed.
 * @param reader one for all runs that are looked at: it reads each input once
 */
export async function verifyRun(runDir: string, reader = inputReader()): Promise<RunVerdict> {
  const { finding: configured, config } = configFinding(runDir);
  const { finding: resumed, kept } = await keptFinding(runDir, config?.identity);
  const progress = kept?.progress;
  const model = config?.model ?? config?.model_s ?? modelIn(runDir);
  const own = config?.identity && identitySha256(config.identity);
  const { finding: ended, result } = await resultFinding(runDir, model, progress);
  const told = { identitySha256: own ?? progress?.identitySha256, model, progress, result };
  const findings = [
    ...processFindings(runDir),
    ...[configured, resumed, await logFinding(runDir, progress)],
    ...(await weightsFindings(runDir, told)),
    ended,
    ...(config?.identity ? await inputFindings(config, config.identity, reader) : []),
  ];
  return { runDir, findings, ok: findings.every(({ verdict }) => verdict !== "differs") };
}
