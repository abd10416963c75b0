import type { ImagesInMemory } from "../data/dataset.js";
import { batchRanges, epochPlan, PLAN_COLUMNS } from "../data/sampler.js";
import { type Learner, learnerVariables } from "../learn/learner.js";
import { tf, type Variable } from "../runtime/tf.js";
import type { BatchSource } from "../train/feeds/batchSource.js";
import {
  openTrainingSession,
  type SessionDescription,
  type TrainingSession,
} from "../train/session.js";
import { chooseSources } from "../train/source.js";
import { randomImages } from "./images.js";
import type { OpenWork, Variant, Work, WorkSize } from "./types.js";

const SEED = 10;
/** The paper's optimizer; speed does not depend on its numbers. */
const SGD = { momentum: 0.9, weightDecay: 5e-4 };
const LEARNING_RATE = 0.05;

/** Trains on whole batches, as many per call as the session takes, and waits for the end. */
function trainOn(session: TrainingSession, plan: Int32Array, batchSize: number): void {
  const rowsPerCall = batchSize * session.stepsPerCall;
  for (const { from, to } of batchRanges(plan.length / PLAN_COLUMNS, rowsPerCall)) {
    session.train(plan.subarray(from * PLAN_COLUMNS, to * PLAN_COLUMNS), {
      ...{ learningRate: LEARNING_RATE, epoch: 1, step: 1 + from / batchSize },
    });
  }
  session.metrics(); // a GPU may still be at work; reading waits for it
}

type Described = Pick<SessionDescription, "learner" | "constants" | "batchSize">;

/** For how many steps at once a teacher looks at images, with each variant. */
export type AheadOf = (variant: Variant) => number;

/** Opens a session as a run does, its images where that engine wants them. */
function openWork(
  described: Described,
  sets: readonly ImagesInMemory[],
  variant: Variant,
  aheadOf: AheadOf,
): OpenWork {
  const [train, test] = chooseSources(sets, variant.engine) as [BatchSource, BatchSource];
  const ahead = aheadOf(variant);
  const session = openTrainingSession({ ...described, ...variant, train, test, ahead, sgd: SGD });
  const { batchSize } = described;
  const plan = (index: number) => epochPlan(SEED, index, train.set.count, train.set.augmentation);
  return {
    first: () => trainOn(session, plan(1).subarray(0, batchSize * PLAN_COLUMNS), batchSize),
    repeat: (index) => trainOn(session, plan(index), batchSize),
    dispose() {
      session.dispose();
      train.close?.();
      tf.dispose([...train.variables, ...test.variables]);
    },
  };
}

/**
 * Training of a learner on random images: one repeat is an epoch of so many whole batches.
 * @param constants variables that steps read and nothing changes (a frozen teacher)
 */
export function trainingWork(
  what: string,
  learner: Learner,
  constants: readonly Variable[],
  { batchSize, steps, kind }: WorkSize,
  aheadOf: AheadOf = () => 1,
): Work {
  const images = batchSize * steps;
  const sets = [randomImages(images, SEED, kind), randomImages(1, SEED, kind)];
  const described = { learner, constants, batchSize };
  return {
    what,
    batchSize,
    steps,
    images,
    open: (variant) => openWork(described, sets, variant, aheadOf),
    dispose: () => tf.dispose([...learnerVariables(learner), ...constants]),
  };
}
