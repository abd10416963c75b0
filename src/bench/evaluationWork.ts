import type { FrozenModel } from "../learn/learners.js";
import { tf } from "../runtime/tf.js";
import { allAtOnce } from "../train/calls.js";
import { openEvaluationSession, testBatch } from "../train/evaluation.js";
import type { BatchSource } from "../train/feeds/batchSource.js";
import { chooseSources } from "../train/source.js";
import { randomImages } from "./images.js";
import type { Work, WorkSize } from "./types.js";

const SEED = 10;

/** Evaluation of a model on random images: one repeat is one pass over all of them. */
export function evaluationWork(
  what: string,
  { model, variables }: FrozenModel,
  { testImages, kind }: WorkSize,
): Work {
  const batchSize = Math.min(testBatch(), testImages);
  const set = randomImages(testImages, SEED, kind);
  return {
    what,
    batchSize,
    steps: Math.ceil(testImages / batchSize),
    images: testImages,
    open({ engine, precision }) {
      const [test] = chooseSources([set], engine) as [BatchSource];
      const session = openEvaluationSession(model, variables, test, engine, precision);
      const pass = () => void allAtOnce(session.evaluate());
      const dispose = () => {
        session.dispose();
        tf.dispose([...test.variables]);
      };
      return { first: pass, repeat: pass, dispose };
    },
    dispose: () => tf.dispose([...variables]),
  };
}
