import type { Ahead, EngineName, Feeds } from "../../compile/types.js";
import type { Learner } from "../../learn/learner.js";
import type { ModelOutput } from "../../nn/model.js";
import type { Tensor } from "../../runtime/tf.js";
import type { BatchSource } from "../feeds/batchSource.js";

/** What a teacher gives travels under names of its own. */
const PREFIX = "guide.";

const isGuide = ([name]: readonly [string, unknown]): boolean => name.startsWith(PREFIX);

/** What of a training decides what its teacher looks at. */
interface Looking {
  readonly learner: Learner;
  readonly train: BatchSource;
  readonly batchSize: number;
}

/**
 * How many steps are computed together in part: as many as are asked for and an epoch has.
 * @param steps of an epoch, the short one left out
 */
export function groupOf(
  {
    engine,
    learner,
    ahead = 1,
  }: { readonly engine: EngineName; readonly learner: Learner; readonly ahead?: number },
  steps: number,
): number {
  const canGroup = engine === "xla" && learner.objective.guidance !== undefined;
  return canGroup ? Math.max(1, Math.min(ahead, steps)) : 1;
}

/** The teacher's output for the images of so many steps. */
export const aheadOf = ({ learner, train, batchSize }: Looking, steps: number): Ahead => ({
  steps,
  takes: Object.keys(train.specs(batchSize)),
  compute(feeds) {
    const views = learner.objective.guidance?.compute(train.batch(feeds).images) ?? {};
    return Object.fromEntries(
      Object.entries(views).map(([name, value]): [string, Tensor] => [PREFIX + name, value]),
    );
  },
});

/** What of the teacher's output a step is given; undefined where it is to work it out. */
export function guideOf({ objective }: Learner, feeds: Feeds): Partial<ModelOutput> | undefined {
  const given = Object.entries(feeds).filter(isGuide);
  if (given.length === 0) return undefined;
  const views = given.map(([name, value]) => [name.slice(PREFIX.length), value]);
  return objective.guidance?.guideOf(Object.fromEntries(views));
}
