import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Checkpoint, readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { stateSha256 } from "../checkpoint/seal.js";
import { inputError } from "../common/errors.js";
import { describeFailure, isTemporary } from "../common/files/atomicFile.js";
import { counted } from "../common/text.js";
import { EPOCH_LOG, readEpochLog } from "../report/log/epochLog.js";
import {
  CONFIG_FILE,
  type Identity,
  identitySha256,
  isOfIdentity,
  type RunConfig,
  readConfig,
} from "../runFiles/identity.js";
import {
  LOCK_FILE,
  RESULT_FILE,
  RESUME_FILE,
  type ResultContent,
  type RunProgress,
  readResult,
} from "../runFiles/stateFile.js";
import { workingProcess } from "../train/claim/lock.js";
import { isOfAnotherRun, runIn } from "../train/files/runStore.js";
import { checkLog, type Kept, lacksRow, readKept } from "../train/files/snapshot.js";
import { inputReader } from "../train/openModel.js";
import { differs, examined, type Finding, fits, foundOrRefused, inputFindings, short, unknown } from "./inputs.js";

const UNFINISHED = "the process was killed while saving this epoch; --resume repairs it";

/** The state to go on from. @returns it, too, where it is whole */
async function keptFinding(runDir: string, identity: Identity | undefined): Promise<{ finding: Finding; kept?: Kept }> {
  let kept: Kept | undefined;
  const finding = await examined(RESUME_FILE, "differs", async () => {
    kept = await readKept(runDir);
    if (kept === undefined) return unknown(RESUME_FILE, "no training state to resume from");
    const { epoch, step, identitySha256: own } = kept.progress;
    const steps = step === 0 ? "" : ` and ${counted(step, "step")} of the next`;
    return identity === undefined || isOfIdentity(own, identity)
      ? fits(RESUME_FILE, `${counted(epoch, "epoch")}${steps}`)
      : differs(RESUME_FILE, "it belongs to another run than the config.json next to it");
  });
  return kept === undefined ? { finding } : { finding, kept };
}

const logFinding = (runDir: string, progress: RunProgress | undefined): Promise<Finding> =>
  examined(EPOCH_LOG, "differs", () => {
    const rows = readEpochLog(runDir).length;
    if (progress === undefined) return unknown(EPOCH_LOG, counted(rows, "epoch"));
    checkLog(runDir, progress);
    return lacksRow(runDir, progress)
      ? unknown(EPOCH_LOG, rows === 0 ? "no epochs" : UNFINISHED)
      : fits(EPOCH_LOG, counted(rows, "epoch"));
  });

interface Told {
  /** Of its identity; undefined where neither config.json nor what is kept says. */
  readonly identitySha256: string | undefined;
  readonly model: string;
  readonly progress: RunProgress | undefined;
  readonly result: ResultContent | undefined;
}

/** Whether a run has gone on since its result, or has none: what follows from its last epoch may be missing. */
const isUnderWay = ({ progress, result }: Pick<Told, "progress" | "result">): boolean =>
  progress !== undefined && progress.epoch > (result?.epochs ?? 0);

/** Epochs of which a file of weights may be; undefined where nobody says. */
function epochsOf(name: string, told: Told): readonly number[] | undefined {
  const { progress, result } = told;
  const numbered = /^ckpt_epoch_(\d+)/.exec(name)?.[1];
  if (numbered !== undefined) return [Number(numbered)];
  if (progress !== undefined && /_best(_projectors|_predictor)?\.safetensors$/.test(name)) {
    return [progress.best.epoch];
  }
  if (!/_last(_projectors|_predictor)?\.safetensors$/.test(name)) return undefined;
  return [result?.epochs, isUnderWay(told) ? progress?.epoch : undefined].filter((epoch) => epoch !== undefined);
}

/** Whether a kill may have prevented the best weights of the epoch that was being kept. */
const isUnfinished = (name: string, told: Told): boolean =>
  isUnderWay(told) &&
  told.progress?.step === 0 &&
  told.progress.best.epoch === told.progress.epoch &&
  name.includes("_best");

function weightsFinding(name: string, { metadata, isSealed }: Checkpoint, told: Told): Finding {
  if (isSealed !== true) return unknown(name, "it has no checksum");
  if (isOfAnotherRun(metadata, told.identitySha256)) return differs(name, "it belongs to another run");
  const { epoch } = metadata as { epoch: number };
  const [wanted = epoch, ...others] = epochsOf(name, told) ?? [];
  if ([wanted, ...others].includes(epoch)) {
    return runIn(metadata) === undefined
      ? unknown(name, `epoch ${epoch}; which run is not recorded (earlier version)`)
      : fits(name, `epoch ${epoch}`);
  }
  if (epoch < wanted && isUnfinished(name, told)) return unknown(name, `epoch ${epoch}: ${UNFINISHED}`);
  return differs(name, `it is from epoch ${epoch}, not epoch ${wanted}`);
}

/** The model that weights in a run's folder are named after; "MODEL" where nobody says. */
function modelIn(runDir: string): string {
  const named = readdirSync(runDir).map((name) => /^(.+)_(best|last)\.safetensors$/.exec(name)?.[1]);
  return named.find((model) => model !== undefined) ?? "MODEL";
}

const wantedWeights = ({ model, progress, result }: Told): string[] => [
  ...((progress?.epoch ?? 0) > 0 ? [`${model}_best.safetensors`] : []),
  ...(result === undefined ? [] : [`${model}_last.safetensors`]),
];

async function weightsFindings(runDir: string, told: Told): Promise<Finding[]> {
  const names = readdirSync(runDir).filter((name) => name.endsWith(".safetensors") && name !== RESUME_FILE);
  const missing = wantedWeights(told)
    .filter((name) => !names.includes(name))
    .map((name) => (isUnfinished(name, told) ? unknown(name, UNFINISHED) : differs(name, "it is missing")));
  const findings: Finding[] = [];
  for (const name of names.sort()) {
    const finding = await examined(name, "differs", async () =>
      weightsFinding(name, await readCheckpoint(join(runDir, name)), told),
    );
    findings.push(finding);
  }
  return [...missing, ...findings];
}

/** The result, held against the last weights and what is kept. @returns it, too, where it is whole */
async function resultFinding(
  runDir: string,
  model: string,
  progress: RunProgress | undefined,
): Promise<{ finding: Finding; result?: ResultContent }> {
  const found = foundOrRefused(() => readResult(runDir));
  if (found.state === "absent") return { finding: unknown(RESULT_FILE, "the run is not complete") };
  if (found.state === "damaged") return { finding: differs(RESULT_FILE, found.reason) };
  const { content: result, sealed } = found;
  if (!sealed) return { finding: unknown(RESULT_FILE, "it has no checksum"), result };
  const finding = await examined(RESULT_FILE, "differs", async () => {
    const { state, metadata } = await readCheckpoint(join(runDir, `${model}_last.safetensors`));
    if (metadata.epoch !== result.epochs && isUnderWay({ progress, result })) {
      return unknown(RESULT_FILE, `of ${counted(result.epochs, "epoch")}; the run has continued since`);
    }
    if (stateSha256(state) !== result.weightsSha256) {
      return differs(RESULT_FILE, `its ${short(result.weightsSha256)} does not match the last weights`);
    }
    if (progress !== undefined && progress.epoch < result.epochs) {
      return differs(RESULT_FILE, `it reports ${counted(result.epochs, "epoch")}, ${progress.epoch} saved`);
    }
    return fits(RESULT_FILE, `${counted(result.epochs, "epoch")}, weights ${short(result.weightsSha256)}`);
  });
  return { finding, result };
}

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

/** The run folders in some folders and below. @throws inputError where one cannot be read or holds none */
export function runFolders(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => {
    let runs: string[];
    try {
      runs = runsBelow(folder);
    } catch (error) {
      throw inputError(
        `${folder} cannot be searched: ${describeFailure(error as NodeJS.ErrnoException)}.`,
        "Give a run folder, or a folder of runs.",
      );
    }
    if (runs.length > 0) return runs;
    throw inputError(`${folder} contains no run.`, "Give a run folder.");
  });
}

function configFinding(runDir: string): { finding: Finding; config?: RunConfig } {
  const found = foundOrRefused(() => readConfig(runDir));
  if (found.state === "absent") return { finding: differs(CONFIG_FILE, "it is missing") };
  if (found.state === "damaged") return { finding: differs(CONFIG_FILE, found.reason) };
  const { content: config, sealed } = found;
  if (sealed && config.identity !== undefined) {
    return { finding: fits(CONFIG_FILE, `${config.kind}, ${counted(config.epochs, "epoch")}`), config };
  }
  const detail = "from an earlier version, without checksum and recorded inputs";
  return { finding: unknown(CONFIG_FILE, detail), config };
}

/** Who is at work, and what a killed process has left. */
function processFindings(runDir: string): Finding[] {
  const process = workingProcess(runDir);
  if (process !== undefined) return [unknown(LOCK_FILE, `process ${process} is running`)];
  const left = readdirSync(runDir).filter((name) => name === LOCK_FILE || isTemporary(name));
  if (left.length === 0) return [];
  return [unknown(LOCK_FILE, `${counted(left.length, "file")} of a killed process; the next run removes it`)];
}

/** Recomputes a run's identity and checksums, changing nothing. @param reader one for all runs */
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
    configured,
    resumed,
    await logFinding(runDir, progress),
    ...(await weightsFindings(runDir, told)),
    ended,
    ...(config?.identity ? await inputFindings(config, config.identity, reader) : []),
  ];
  return { runDir, findings, ok: findings.every(({ verdict }) => verdict !== "differs") };
}
