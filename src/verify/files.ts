import { readdirSync } from "node:fs";
import { join } from "node:path";
import { stateSha256 } from "../checkpoint/checksum.js";
import { type Checkpoint, readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { counted } from "../common/text/counted.js";
import { EPOCH_LOG, readEpochLog } from "../report/log/epochLog.js";
import { type Identity, isOfIdentity } from "../runFiles/identity.js";
import { RESUME_FILE, type RunProgress } from "../runFiles/progress.js";
import { RESULT_FILE, type ResultContent, readResult } from "../runFiles/result.js";
import { type Kept, readKept } from "../train/claim/kept.js";
import { checkLog, lacksRow } from "../train/claim/log.js";
import { isOfAnotherRun, runIn } from "../train/files/weightFiles.js";
import { differs, examined, type Finding, fits, foundOrRefused, unknown } from "./finding.js";
import { short } from "./inputs.js";

/** What --resume makes up for. */
const UNFINISHED = "the process was killed while it kept this epoch; --resume makes up for it";

/** The state to go on from. @returns it, too, where it is whole */
export async function keptFinding(
  runDir: string,
  identity: Identity | undefined,
): Promise<{ finding: Finding; kept?: Kept }> {
  let kept: Kept | undefined;
  const finding = await examined(RESUME_FILE, "differs", async () => {
    kept = await readKept(runDir);
    if (kept === undefined) return unknown(RESUME_FILE, "nothing is kept to go on from");
    const { epoch, step, identitySha256: own } = kept.progress;
    const steps = step === 0 ? "" : ` and ${counted(step, "step")} of the next`;
    return identity === undefined || isOfIdentity(own, identity)
      ? fits(RESUME_FILE, `${counted(epoch, "epoch")}${steps}`)
      : differs(RESUME_FILE, "it is of another run than config.json beside it");
  });
  return kept === undefined ? { finding } : { finding, kept };
}

/** The log of epochs, as far as what is kept tells of it. */
export const logFinding = (runDir: string, progress: RunProgress | undefined): Promise<Finding> =>
  examined(EPOCH_LOG, "differs", () => {
    const rows = readEpochLog(runDir).length;
    if (progress === undefined) return unknown(EPOCH_LOG, counted(rows, "epoch"));
    checkLog(runDir, progress);
    return lacksRow(runDir, progress)
      ? unknown(EPOCH_LOG, rows === 0 ? "no epochs" : UNFINISHED)
      : fits(EPOCH_LOG, counted(rows, "epoch"));
  });

/** What a run's records say of its weights. */
export interface Told {
  /** Of its identity; undefined where neither config.json nor what is kept says. */
  readonly identitySha256: string | undefined;
  readonly model: string;
  readonly progress: RunProgress | undefined;
  readonly result: ResultContent | undefined;
}

/** Whether a run has gone on since it had a result, or has none yet: what follows from its last epoch may be missing. */
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
  return [result?.epochs, isUnderWay(told) ? progress?.epoch : undefined].filter(
    (epoch) => epoch !== undefined,
  );
}

/** Whether a kill may have left out the best weights of the epoch that was being kept. */
const isUnfinished = (name: string, told: Told): boolean =>
  isUnderWay(told) &&
  told.progress?.step === 0 &&
  told.progress.best.epoch === told.progress.epoch &&
  name.includes("_best");

function weightsFinding(name: string, { metadata, isSealed }: Checkpoint, told: Told): Finding {
  if (isSealed !== true) return unknown(name, "it carries no checksum");
  if (isOfAnotherRun(metadata, told.identitySha256)) return differs(name, "it is of another run");
  const { epoch } = metadata as { epoch: number };
  const [wanted = epoch, ...others] = epochsOf(name, told) ?? [];
  if ([wanted, ...others].includes(epoch)) {
    return runIn(metadata) === undefined
      ? unknown(name, `epoch ${epoch}; it does not say of which run (an earlier version)`)
      : fits(name, `epoch ${epoch}`);
  }
  if (epoch < wanted && isUnfinished(name, told))
    return unknown(name, `epoch ${epoch}: ${UNFINISHED}`);
  return differs(name, `it is of epoch ${epoch}, not of epoch ${wanted}`);
}

/** The model that weights in a run's folder are named after; "MODEL" where nobody says. */
export function modelIn(runDir: string): string {
  const named = readdirSync(runDir).map(
    (name) => /^(.+)_(best|last)\.safetensors$/.exec(name)?.[1],
  );
  return named.find((model) => model !== undefined) ?? "MODEL";
}

/** Files of weights that a run must have left by now. */
const wantedWeights = ({ model, progress, result }: Told): string[] => [
  ...((progress?.epoch ?? 0) > 0 ? [`${model}_best.safetensors`] : []),
  ...(result === undefined ? [] : [`${model}_last.safetensors`]),
];

/** Every file of weights in a run's folder, and those that are missing. */
export async function weightsFindings(runDir: string, told: Told): Promise<Finding[]> {
  const names = readdirSync(runDir).filter(
    (name) => name.endsWith(".safetensors") && name !== RESUME_FILE,
  );
  const missing = wantedWeights(told)
    .filter((name) => !names.includes(name))
    .map((name) =>
      isUnfinished(name, told) ? unknown(name, UNFINISHED) : differs(name, "it is missing"),
    );
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
export async function resultFinding(
  runDir: string,
  model: string,
  progress: RunProgress | undefined,
): Promise<{ finding: Finding; result?: ResultContent }> {
  const found = foundOrRefused(() => readResult(runDir));
  if (found.state === "absent") return { finding: unknown(RESULT_FILE, "the run is not complete") };
  if (found.state === "damaged") return { finding: differs(RESULT_FILE, found.reason) };
  const { content: result, sealed } = found;
  if (!sealed) return { finding: unknown(RESULT_FILE, "it carries no checksum"), result };
  const finding = await examined(RESULT_FILE, "differs", async () => {
    const { state, metadata } = await readCheckpoint(join(runDir, `${model}_last.safetensors`));
    if (metadata.epoch !== result.epochs && isUnderWay({ progress, result })) {
      return unknown(
        RESULT_FILE,
        `of ${counted(result.epochs, "epoch")}; the run has gone on since`,
      );
    }
    if (stateSha256(state) !== result.weightsSha256) {
      return differs(RESULT_FILE, `its ${short(result.weightsSha256)} is not of the last weights`);
    }
    if (progress !== undefined && progress.epoch < result.epochs) {
      return differs(
        RESULT_FILE,
        `it tells of ${counted(result.epochs, "epoch")}, ${progress.epoch} are kept`,
      );
    }
    return fits(
      RESULT_FILE,
      `${counted(result.epochs, "epoch")}, weights ${short(result.weightsSha256)}`,
    );
  });
  return { finding, result };
}
