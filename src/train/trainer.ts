import { areNumbers, toFloat32 } from "../checkpoint/float.js";
import { stateSha256 } from "../checkpoint/seal.js";
import { type PefdError, runError } from "../common/errors.js";
import { counted } from "../common/text.js";
import type { TrainOptions } from "../config/options.js";
import type { Augmentation } from "../data/augmentation.js";
import { type Learner, resetMomentum, variablesOf } from "../learn/learner.js";
import { rateOfStep } from "../learn/recipe.js";
import type { EpochRow, Metrics, StepProgress, TrainingMetrics } from "../report/log/contract.js";
import type { RunProgress } from "../runFiles/stateFile.js";
import { deviceMemory } from "../runtime/device.js";
import { float32Note } from "../runtime/ownModule.js";
import { programsSha256 } from "../runtime/programs/kept.js";
import { oneByOne } from "./calls.js";
import type { EngineChoice } from "./engine.js";
import { type EpochOutcome, isDue, stepsPerEpoch, trainEpoch } from "./epoch.js";
import { evaluateBeside } from "./evaluation.js";
import type { Hooks, RunResult } from "./files/result.js";
import type { RunStore } from "./files/runStore.js";
import { type Snapshot, takeSnapshot } from "./files/snapshot.js";
import type { Stage, TrainingSession } from "./session.js";
import type { BatchSource } from "./source.js";
import type { TeacherCache } from "./teacherCache/open.js";

interface Place {
  readonly runDir: string;
  /** 1-based */
  readonly epoch: number;
  /** The epoch's last good step, before the checked one. */
  readonly after?: number;
  readonly step?: number;
  readonly terms?: Readonly<Record<string, number>> | undefined;
}

const HINT = "Try a smaller --learning_rate.";

function stepWords({ after = 0, step }: Place): string {
  if (step === undefined) return "";
  return after + 1 === step ? `, step ${step}` : `, in one of its steps ${after + 1} to ${step}`;
}

function termWords({ terms = {} }: Place): string {
  const gone = Object.keys(terms).filter((name) => !Number.isFinite(terms[name]));
  const kept = Object.keys(terms).filter((name) => Number.isFinite(terms[name]));
  if (gone.length === 0) return "";
  return ` (${gone.join(", ")} diverged${kept.length === 0 ? "" : ` first, not ${kept.join(", ")}`})`;
}

const diverged = (what: string, place: Place): PefdError =>
  runError(
    `${what} in epoch ${place.epoch}${stepWords(place)}${termWords(place)}; ${place.runDir} keeps what was there before.`,
    HINT,
  );

/** Refuses a NaN or infinite loss before its state is saved. @throws runError with epoch, step and diverged terms */
export function refuseDivergedLoss(name: "training" | "test", loss: number, place: Place): void {
  if (!Number.isFinite(loss)) throw diverged(`The ${name} loss became ${loss}`, place);
}

function divergedTensor({ model, extra, teacher, momentumBuffers, parameterNames }: Snapshot): string | undefined {
  const all = [
    ...[...model, ...extra, ...teacher].filter(([, { dtype }]) => dtype === "F32"),
    ...Array.from(momentumBuffers, ([place, tensor]) => {
      return [`the momentum of ${parameterNames[Number(place)]}`, tensor] as const;
    }),
  ];
  return all.find(([, tensor]) => !areNumbers(toFloat32(tensor)))?.[0];
}

/** Refuses NaN or infinite state before it overwrites finite state. @throws runError with tensor and epoch */
function refuseDivergedState(snapshot: Snapshot, place: Place): void {
  const name = divergedTensor(snapshot);
  if (name !== undefined) throw diverged(`${name} became NaN or infinite`, place);
}

export interface Run {
  readonly runDir: string;
  readonly options: TrainOptions;
  readonly seed: number;
  readonly learner: Learner;
  readonly images: number;
  readonly augmentation: Augmentation;
  readonly testImages: number;
  readonly test: BatchSource;
  readonly choice: EngineChoice;
  readonly stages: readonly Stage[];
  /** Called once the learner has its initial state. */
  readonly open: (stage: Stage) => TrainingSession;
  readonly store: RunStore;
  readonly cache: Pick<TeacherCache, "tally"> | undefined;
  readonly epochKept: () => void;
  readonly hooks: Hooks;
}

type ActiveRun = Run & { readonly stage: Stage; readonly session: TrainingSession };

type RunState = { readonly progress: RunProgress; readonly snapshot?: Snapshot };

/**
 * Trains to the last epoch; each is evaluated, logged and saved.
 * @throws runError for a NaN or infinite loss or weight (not saved) or an unwritable file; the signal's reason, with
 * the state saved
 */
export async function runTraining(run: Run, progress: RunProgress): Promise<RunResult> {
  const { epochs } = run.options;
  let state: RunState = { progress };
  for (const stage of run.stages) {
    const last = Math.min(stage.end - 1, epochs);
    if (state.progress.epoch < last) state = await oneStage(run, stage, last, state);
  }
  return finish(run, state);
}

async function oneStage(run: Run, stage: Stage, last: number, from: RunState): Promise<RunState> {
  const { epoch, step } = from.progress;
  if (stage.resetsMomentum && epoch + 1 === stage.first && step === 0) resetMomentum(run.learner);
  const { reporter, signal, blocking } = run.hooks;
  const session = run.open(stage);
  let state = from;
  try {
    await session.compile(run.choice.device, {
      notice: reporter.notice,
      phase: reporter.phase,
      signal,
      ...(blocking && { blocking }),
    });
    while (state.progress.epoch < last) {
      state = await oneEpoch({ ...run, stage, session }, state.progress);
    }
    return state;
  } finally {
    session.dispose();
  }
}

function snapshotOf({ session, learner, runDir }: ActiveRun, epoch: number, steps: number): Snapshot {
  session.pull();
  const snapshot = takeSnapshot(learner, steps);
  refuseDivergedState(snapshot, { runDir, epoch });
  return snapshot;
}

async function oneEpoch(run: ActiveRun, progress: RunProgress): Promise<RunState> {
  const { options, hooks, images, session, store, runDir } = run;
  const epoch = progress.epoch + 1;
  const learningRate = rateOf(run, epoch);
  session.restart(progress.sums);
  const started = performance.now();
  let done = progress.step;
  const outcome = await trainEpoch({
    session,
    seed: run.seed,
    epoch,
    epochs: options.epochs,
    images,
    wholeBatches: run.learner.wholeBatches === true,
    augmentation: run.augmentation,
    batchSize: options.batch_size,
    learningRate,
    firstStep: progress.step,
    isDue: (step) => isDue(options, step),
    signal: hooks.signal,
    onProgress: (step) => {
      refuseDivergedTraining(step, session, { runDir, epoch, after: done });
      done = step.step;
      hooks.reporter.stepDone(step);
      store.stepDone(step);
    },
  });
  const before = { ...progress, steps: progress.steps + outcome.steps - progress.step };
  const sums = session.sums();
  const seconds = () => (performance.now() - started) / 1000 + progress.epochSeconds;
  const stop = () => stopEarly(run, { ...before, step: outcome.steps, sums, epochSeconds: seconds() });
  if (!outcome.completed) return stop();
  const train = session.metrics();
  refuseDivergedLoss("training", train.loss, { runDir, epoch });
  const evaluating = (count: number) => hooks.reporter.evaluating(count, run.testImages);
  const test = await oneByOne(session.evaluate(), evaluating, hooks.signal);
  if (test === undefined) return stop();
  const note = float32Note();
  if (note !== undefined) hooks.reporter.notice(note);
  refuseDivergedLoss("test", test.loss, { runDir, epoch });
  return keepEpoch(run, before, {
    epoch,
    learningRate,
    train: meansOf(train),
    test,
    seconds: seconds(),
    ...paceOf(outcome, progress, Math.min(images, outcome.steps * options.batch_size)),
  });
}

/** A part's own, or the schedule's, which counts from the start of the main part; that of the epoch's last step. */
const rateOf = ({ stage, options, images, learner }: ActiveRun, epoch: number): number => {
  const steps = stepsPerEpoch(images, options.batch_size, learner);
  return rateOfStep(options, { ...stage, steps }, epoch, steps).learningRate;
};

const meansOf = ({ loss, top1, top5, terms }: TrainingMetrics): TrainingMetrics => ({
  loss,
  top1,
  top5,
  ...(terms !== undefined && { terms }),
});

/** Speed of this process; of earlier ones if only the evaluation was left. */
function paceOf(
  { steps, seconds }: EpochOutcome,
  before: RunProgress,
  images: number,
): Pick<EpochRow, "stepMs" | "imagesPerSecond"> {
  const own = steps - before.step;
  const [taken, spent] = own > 0 ? [own, seconds] : [steps, before.epochSeconds];
  return { stepMs: (1000 * spent) / taken, imagesPerSecond: (images * taken) / steps / spent };
}

function refuseDivergedTraining({ loss, step }: StepProgress, session: TrainingSession, place: Place): void {
  if (Number.isFinite(loss)) return;
  refuseDivergedLoss("training", loss, { ...place, step, terms: session.metrics().terms });
}

async function stopEarly(run: ActiveRun, progress: RunProgress): Promise<never> {
  const { runDir, hooks, store } = run;
  await store.keepSteps(snapshotOf(run, progress.epoch + 1, progress.steps), progress);
  const [epochs, steps] = [counted(progress.epoch, "epoch"), counted(progress.step, "step")];
  hooks.reporter.notice(`Kept in ${runDir}: ${epochs} and ${steps} of the next.`);
  throw hooks.signal.reason;
}

async function keepEpoch(run: ActiveRun, before: RunProgress, row: EpochRow): Promise<RunState> {
  const { hooks, store, epochKept } = run;
  const { epoch, test } = row;
  const snapshot = snapshotOf(run, epoch, before.steps);
  const better = before.best.epoch === 0 || test.top1 > before.best.top1;
  const best = better ? { top1: test.top1, epoch } : before.best;
  const done = { ...before, epoch, step: 0, sums: [], best, epochSeconds: 0, row };
  const progress = await store.keepEpoch(snapshot, done, epochKept);
  hooks.reporter.epochDone(row, best);
  if (before.epoch === 0) reportMemory(hooks);
  return { progress, snapshot };
}

/** Memory has peaked after the first epoch and evaluation. */
function reportMemory({ reporter, env }: Hooks): void {
  const memory = deviceMemory(env);
  if (memory !== undefined) reporter.notice(`${memory} MB of the GPU's memory in use.`);
}

/** Test results of the models that learned beside the student. @throws the signal's reason */
async function evaluatedPeers({ learner, choice, test, hooks }: Run): Promise<NonNullable<RunResult["peers"]>> {
  const results: (Metrics & { readonly model: string })[] = [];
  for (const model of learner.peers ?? []) {
    const subject = { model, constants: variablesOf(model.state), test };
    const found = await evaluateBeside(subject, choice, hooks);
    if (found === undefined) throw hooks.signal.reason;
    const { loss, top1, top5 } = found;
    hooks.reporter.notice(
      `Peer ${model.name}: top-1 ${top1.toFixed(2)} %, top-5 ${top5.toFixed(2)} %, loss ${loss.toFixed(4)}.`,
    );
    results.push({ model: model.name, loss, top1, top5 });
  }
  return results;
}

/** Writes the last weights and the result, with epochs of all processes. */
async function finish(run: Run, { progress, snapshot }: RunState): Promise<RunResult> {
  const { runDir, options, store } = run;
  const last = snapshot ?? takeSnapshot(run.learner, progress.steps);
  const { train, test, stepMs } = progress.row as EpochRow;
  const peers = await evaluatedPeers(run);
  const teacherCache = run.cache?.tally();
  const programs = programsSha256();
  const result: RunResult = {
    runDir,
    epochs: options.epochs,
    train,
    test,
    best: progress.best,
    seconds: store.rows().reduce((sum, row) => sum + row.seconds, 0),
    stepMs,
    ...run.choice,
    weightsSha256: stateSha256(last.model),
    ...(programs !== undefined && { programsSha256: programs }),
    ...(progress.teacherTop1 !== undefined && { teacherTop1: progress.teacherTop1 }),
    ...(peers.length > 0 && { peers }),
    ...(teacherCache && { teacherCache }),
  };
  await store.finish(last, progress, result);
  return result;
}
