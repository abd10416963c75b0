import { join } from "node:path";
import { stateSha256 } from "../checkpoint/checksum.js";
import { counted } from "../common/text/counted.js";
import type { EngineName } from "../compile/types.js";
import type { TrainOptions } from "../config/options.js";
import type { Shift } from "../data/augmentation.js";
import type { EpochRow, StepProgress, TrainingMetrics } from "../report/log/contract.js";
import { type EpochLog, openEpochLog, readEpochLog } from "../report/log/epochLog.js";
import { openRunEvents, type RunEvents } from "../report/log/runEvents.js";
import type { RunProgress } from "../runFiles/progress.js";
import { RESULT_FILE } from "../runFiles/result.js";
import { writeStateFile } from "../runFiles/stateFile.js";
import { deviceMemory } from "../runtime/device.js";
import { oneByOne } from "./calls.js";
import type { Kept } from "./claim/kept.js";
import { lacksRow, logSha256, logSha256With } from "./claim/log.js";
import { type Place, refuseDivergedLoss, refuseDivergedState } from "./divergence.js";
import type { EngineChoice } from "./engine.js";
import { type EpochOutcome, stepsPerEpoch, trainEpoch } from "./epoch.js";
import type { Learner } from "./learner.js";
import type { Hooks, RunResult } from "./result.js";
import { learningRateAt } from "./schedule.js";
import type { TrainingSession } from "./session.js";
import { restoreState, saveProgress, stateDictOf } from "./stateFiles.js";
import type { CacheTally } from "./teacherCache/lookup.js";
import { missingWeights, weightsDue, writeWeights } from "./weightFiles.js";

/** A run, ready to go. */
export interface Run {
  readonly title: string;
  readonly loss: string | undefined;
  readonly runDir: string;
  readonly options: TrainOptions;
  readonly seed: number;
  readonly learner: Learner;
  /** Training images. */
  readonly images: number;
  /** How far they are shifted. */
  readonly shift: Shift;
  readonly testImages: number;
  readonly choice: EngineChoice;
  /** Compiles the run; called once the learner's state is what training starts from. */
  openSession(): Promise<TrainingSession>;
  /** What a cache of the teacher's outputs has brought so far; undefined without one. */
  cacheTally(): CacheTally | undefined;
  /** What the run goes on from. */
  readonly kept: Kept | undefined;
  /** Of the run's identity, which its state is marked with. */
  readonly identitySha256: string;
  /** Told whenever an epoch is kept, and of a run that goes on and has kept one. */
  epochKept(): void;
  readonly hooks: Hooks;
}

const FRESH = {
  ...{ epoch: 0, step: 0, sums: [], steps: 0 },
  ...{ best: { top1: 0, epoch: 0 }, epochSeconds: 0 },
};

/** What the time before the first step goes into. */
const PREPARATION: Readonly<Record<EngineName, string>> = {
  eager: "preparing the eager engine",
  graph: "recording the step for the graph engine",
  xla: "recording the step for XLA",
};

/** What is open while a run goes on. */
interface Open {
  readonly session: TrainingSession;
  readonly log: EpochLog;
  readonly events: RunEvents;
}

/**
 * Trains from where the run stands to its last epoch. After every epoch the test set is evaluated, the logs get
 * their rows, and everything that the rest depends on is kept.
 * @throws runError when a loss or a weight is no number any more (nothing of that is kept) or a file cannot be written;
 * the signal's reason when it ended the run early (what is done is kept then)
 */
export async function runTraining(run: Run): Promise<RunResult> {
  const { runDir, learner, options, hooks, choice } = run;
  const { reporter } = hooks;
  let progress: RunProgress = run.kept?.progress ?? {
    ...FRESH,
    identitySha256: run.identitySha256,
  };
  if (run.kept !== undefined) restoreState(learner, run.kept);
  const steps = stepsPerEpoch(run.images, options.batch_size);
  reporter.runStarted({
    title: run.title,
    ...(run.loss !== undefined && { loss: run.loss }),
    runDir,
    epochs: options.epochs,
    firstEpoch: progress.epoch + 1,
    steps,
    ...choice,
  });
  if (progress.epoch > 0) run.epochKept();
  if (run.kept !== undefined) reporter.notice(`Going on after epoch ${progress.epoch}.`);
  reporter.phase(PREPARATION[choice.engine]);
  const session = await run.openSession();
  await session.compile(choice.device, {
    ...{ notice: reporter.notice, phase: reporter.phase, signal: hooks.signal },
    ...(hooks.blocking && { blocking: hooks.blocking }),
  });
  const isUnlogged = run.kept !== undefined && lacksRow(runDir, progress);
  const log = await openEpochLog(runDir, {
    afterEpoch: progress.epoch,
    terms: learner.objective.termNames,
  });
  const events = openRunEvents(runDir, {
    ...{ afterEpoch: progress.epoch - (isUnlogged ? 1 : 0), steps, tbFreq: options.tb_freq },
  });
  try {
    if (isUnlogged && progress.row !== undefined) logEpoch({ log, events }, progress.row);
    progress = { ...progress, logSha256: logSha256(runDir) };
    await writeWeights(run, progress, await missingWeights(run, progress));
    while (progress.epoch < options.epochs) {
      progress = await oneEpoch(run, { session, log, events }, progress);
    }
    return await finish(run, session, progress);
  } finally {
    events.close();
    log.close();
    session.dispose();
    reporter.runEnded();
  }
}

async function oneEpoch(run: Run, open: Open, progress: RunProgress): Promise<RunProgress> {
  const { options, hooks, images } = run;
  const { session } = open;
  const epoch = progress.epoch + 1;
  const learningRate = learningRateAt(epoch, {
    learningRate: options.learning_rate,
    decayEpochs: options.lr_decay_epochs,
    decayRate: options.lr_decay_rate,
  });
  session.restart(progress.sums);
  const started = performance.now();
  let done = progress.step;
  const outcome = await trainEpoch({
    session,
    seed: run.seed,
    epoch,
    epochs: options.epochs,
    images,
    shift: run.shift,
    batchSize: options.batch_size,
    learningRate,
    firstStep: progress.step,
    isDue: (step) => isDue(options, step),
    signal: hooks.signal,
    onProgress: (step) => {
      refuseDivergedTraining(step, session, { runDir: run.runDir, epoch, after: done });
      done = step.step;
      hooks.reporter.stepDone(step);
      open.events.stepDone(step);
    },
  });
  const taken = outcome.steps - progress.step;
  const before = { ...progress, steps: progress.steps + taken };
  const sums = session.sums();
  const stop = () => {
    const epochSeconds = progress.epochSeconds + (performance.now() - started) / 1000;
    return stopEarly(run, session, { ...before, step: outcome.steps, sums, epochSeconds });
  };
  if (!outcome.completed) return stop();
  const train = session.metrics();
  refuseDivergedLoss("training", train.loss, { runDir: run.runDir, epoch });
  const evaluating = (done: number) => hooks.reporter.evaluating(done, run.testImages);
  const test = await oneByOne(session.evaluate(), evaluating, hooks.signal);
  if (test === undefined) return stop();
  refuseDivergedLoss("test", test.loss, { runDir: run.runDir, epoch });
  const row: EpochRow = {
    epoch,
    learningRate,
    train: meansOf(train),
    test,
    seconds: (performance.now() - started) / 1000 + progress.epochSeconds,
    ...paceOf(outcome, progress, images),
  };
  return keepEpoch(run, open, before, row);
}

/** What an epoch's row keeps of what was measured. */
const meansOf = ({ loss, top1, top5, terms }: TrainingMetrics): TrainingMetrics => ({
  ...{ loss, top1, top5 },
  ...(terms !== undefined && { terms }),
});

/** How fast this process trained; where it had nothing left but the evaluation, how fast those before it did. */
function paceOf(
  { steps, seconds }: EpochOutcome,
  before: RunProgress,
  images: number,
): Pick<EpochRow, "stepMs" | "imagesPerSecond"> {
  const own = steps - before.step;
  const [taken, spent] = own > 0 ? [own, seconds] : [steps, before.epochSeconds];
  return {
    stepMs: (1000 * spent) / taken,
    imagesPerSecond: (images * taken) / steps / spent,
  };
}

/** Whether the paper's line or a TensorBoard value is due after a step of an epoch. */
function isDue({ print_freq, tb_freq }: TrainOptions, step: number): boolean {
  const line = print_freq !== undefined && (step - 1) % print_freq === 0;
  return line || step % tb_freq === 0;
}

/** Looks at what a call of steps has come to. */
function refuseDivergedTraining(
  { loss, step }: StepProgress,
  session: TrainingSession,
  place: Place,
): void {
  if (Number.isFinite(loss)) return;
  refuseDivergedLoss("training", loss, { ...place, step, terms: session.metrics().terms });
}

/** Saves the middle of an epoch, its evaluation included, and ends the run with the signal's reason. */
async function stopEarly(
  run: Run,
  session: TrainingSession,
  progress: RunProgress,
): Promise<never> {
  session.pull();
  refuseDivergedState(run.learner, { runDir: run.runDir, epoch: progress.epoch + 1 });
  await saveProgress(run.runDir, run.learner, progress);
  run.hooks.reporter.notice(
    `Kept in ${run.runDir}: ${counted(progress.epoch, "epoch")} and ${counted(progress.step, "step")} of the next.`,
  );
  throw run.hooks.signal.reason;
}

/**
 * Keeps an epoch. The file to go on from comes first and decides: what else an epoch leaves behind follows from it, and
 * what a kill in between leaves out is made up for when the run goes on.
 */
async function keepEpoch(
  run: Run,
  { session, log, events }: Open,
  before: RunProgress,
  row: EpochRow,
): Promise<RunProgress> {
  const { learner, hooks, runDir } = run;
  const { epoch, test } = row;
  session.pull();
  refuseDivergedState(learner, { runDir, epoch });
  const better = before.best.epoch === 0 || test.top1 > before.best.top1;
  const best = better ? { top1: test.top1, epoch } : before.best;
  const progress = {
    ...{ ...before, epoch, step: 0, sums: [], best, epochSeconds: 0, row },
    logSha256: logSha256With(runDir, row),
  };
  await saveProgress(runDir, learner, progress);
  run.epochKept();
  logEpoch({ log, events }, row);
  await writeWeights(run, progress, weightsDue(run, progress));
  hooks.reporter.epochDone(row, best);
  if (before.epoch === 0) tellMemory(hooks);
  return progress;
}

function logEpoch({ log, events }: Pick<Open, "log" | "events">, row: EpochRow): void {
  log.append(row);
  events.epochDone(row);
}

/** After the first epoch, with its evaluation, a run takes no more of the GPU's memory. */
function tellMemory({ reporter, env }: Hooks): void {
  const memory = deviceMemory(env);
  if (memory !== undefined) reporter.notice(`${memory} MB of the GPU's memory in use.`);
}

/** Writes the last weights and the result. All that it tells of epochs is in the log, whoever trained them. */
async function finish(
  run: Run,
  session: TrainingSession,
  progress: RunProgress,
): Promise<RunResult> {
  const { learner, runDir, options } = run;
  session.pull();
  const rows = readEpochLog(runDir);
  const { train, test, stepMs } = progress.row as EpochRow;
  const teacherCache = run.cacheTally();
  await writeWeights(run, progress, [`${learner.model.name}_last`]);
  const result: RunResult = {
    runDir,
    epochs: options.epochs,
    train,
    test,
    best: progress.best,
    seconds: rows.reduce((sum, row) => sum + row.seconds, 0),
    stepMs,
    ...run.choice,
    weightsSha256: stateSha256(stateDictOf(learner.model.state, progress.steps)),
    ...(teacherCache && { teacherCache }),
  };
  await writeStateFile(join(runDir, RESULT_FILE), result);
  return result;
}
