import type { FeatureMap, Model, ModelOutput } from "../nn/model.js";
import type { Tensor, Tensor2D } from "../runtime/tf.js";
import type { LossWeights } from "./weights.js";

/**
 * Views of a teacher's output. "map1" is the first of its maps, "maps" all of them, "averaged" the map before global
 * pooling.
 */
export type TeacherView = "logits" | "pooled" | "averaged" | "stem" | "maps" | `map${number}`;

/** A view with one vector per image, which the teacher cache can keep. */
export type KeptView = "logits" | "pooled";

interface KeptRow {
  /** Name of the file of the teacher cache, without its ending. */
  readonly file: string;
  /** [N, size] */
  of(output: ModelOutput): Tensor2D;
  size(model: Pick<Model, "featureSize" | "numClasses">): number;
}

/** The views that a teacher cache may keep. */
export const KEPT_VIEWS: Readonly<Record<KeptView, KeptRow>> = {
  pooled: {
    file: "features",
    of: (output) => output.pooled,
    size: (model) => model.featureSize,
  },
  logits: {
    file: "logits",
    of: (output) => output.logits,
    size: (model) => model.numClasses,
  },
};

/** Whether a teacher cache may keep a view. */
export const isKeptView = (view: TeacherView): view is KeptView => Object.hasOwn(KEPT_VIEWS, view);

/** Views of a loss with these weights, without terms of weight zero. */
export function usedViews(
  ofMethod: readonly TeacherView[],
  { alpha, beta }: Pick<LossWeights, "alpha" | "beta">,
): TeacherView[] {
  const byKL: readonly TeacherView[] = alpha === 0 ? [] : ["logits"];
  return [...new Set([...byKL, ...(beta === 0 ? [] : ofMethod)])].sort();
}

/**
 * A teacher's output restricted to the declared views: access to others throws, so that a wrong row fails at its first step.
 * @param maps number of the teacher's maps, even where `output` lacks them
 */
export function seenOutput(output: Partial<ModelOutput>, sees: readonly TeacherView[], maps: number): ModelOutput {
  const look = <Value>(view: TeacherView, value: Value | undefined, all = view): Value => {
    if (sees.includes(view) || sees.includes(all)) return value as Value;
    throw new Error(`The method uses the teacher's ${view}, which its row does not name.`);
  };
  const list: FeatureMap[] = [];
  for (let i = 0; i < maps; i++) {
    const get = () => look(`map${i + 1}`, output.maps?.[i], "maps");
    Object.defineProperty(list, i, { get, enumerable: true });
  }
  return {
    get stem() {
      return look("stem", output.stem);
    },
    maps: list,
    get pooled() {
      return look("pooled", output.pooled);
    },
    get averaged() {
      return look("averaged", output.averaged);
    },
    get logits() {
      return look("logits", output.logits);
    },
  };
}

/** The part of a teacher's output that was kept. @param parts [N, size] each */
export const keptOutput = (parts: Readonly<Partial<Record<KeptView, Tensor>>>): Partial<ModelOutput> =>
  parts as Partial<ModelOutput>;
