import type { FeatureMap, Model, ModelOutput } from "../nn/model.js";
import type { Tensor, Tensor2D, Tensor4D } from "../runtime/tf.js";
import type { LossWeights } from "./weights.js";

/** Views of a teacher's output: "map1" the first map, "maps" all, "averaged" the map before global pooling. */
export type TeacherView = "logits" | "pooled" | "averaged" | "stem" | "maps" | `map${number}`;

/** A view of one vector per image, which the teacher cache can keep. */
export type KeptView = "logits" | "pooled";

interface KeptRow {
  /** File name in the teacher cache, without extension. */
  readonly file: string;
  size(model: Pick<Model, "featureSize" | "numClasses">): number;
}

export const KEPT_VIEWS: Readonly<Record<KeptView, KeptRow>> = {
  pooled: { file: "features", size: (model) => model.featureSize },
  logits: { file: "logits", size: (model) => model.numClasses },
};

/** Whether a teacher cache may keep a view. */
export const isKeptView = (view: TeacherView): view is KeptView => Object.hasOwn(KEPT_VIEWS, view);

/** Views of a loss without zero-weight terms. */
export function usedViews(
  ofMethod: readonly TeacherView[],
  { alpha, beta }: Pick<LossWeights, "alpha" | "beta">,
): TeacherView[] {
  const byKL: readonly TeacherView[] = alpha === 0 ? [] : ["logits"];
  return [...new Set([...byKL, ...(beta === 0 ? [] : ofMethod)])].sort();
}

/** The declared views of an output; others throw at a wrong row's first step. @param maps the teacher's number */
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

/** By name, with the batch as first axis. */
export type ViewTensors = Readonly<Record<string, Tensor>>;

const OUT = ".out";
const BEFORE_RELU = ".beforeRelu";

const mapTensors = (name: string, map: FeatureMap | undefined): ViewTensors =>
  map === undefined
    ? {}
    : { [name + OUT]: map.out, ...(map.beforeRelu !== map.out && { [name + BEFORE_RELU]: map.beforeRelu }) };

/** Tensors behind views of a teacher's output. */
export function viewTensors(output: ModelOutput, views: readonly TeacherView[]): ViewTensors {
  const isSeen = (...names: TeacherView[]): boolean => names.some((name) => views.includes(name));
  const maps = output.maps.map((map, i): ViewTensors => {
    const name = `map${i + 1}` as const;
    return isSeen(name, "maps") ? mapTensors(name, map) : {};
  });
  return {
    ...(isSeen("logits") && { logits: output.logits }),
    ...(isSeen("pooled") && { pooled: output.pooled }),
    ...(isSeen("averaged") && { averaged: output.averaged as Tensor4D }),
    ...(isSeen("stem") && mapTensors("stem", output.stem)),
    ...Object.assign({}, ...maps),
  };
}

function mapOf(name: string, tensors: ViewTensors): FeatureMap | undefined {
  const out = tensors[name + OUT] as Tensor4D | undefined;
  const before = tensors[name + BEFORE_RELU] as Tensor4D | undefined;
  return out && { out, beforeRelu: before ?? out };
}

/** The output back from viewTensors. @param count of the teacher's maps */
export function outputOfViews(tensors: ViewTensors, count: number): Partial<ModelOutput> {
  const stem = mapOf("stem", tensors);
  return {
    ...(stem && { stem }),
    maps: Array.from({ length: count }, (_, i) => mapOf(`map${i + 1}`, tensors) as FeatureMap),
    ...(tensors.pooled && { pooled: tensors.pooled as Tensor2D }),
    ...(tensors.averaged && { averaged: tensors.averaged as Tensor4D }),
    ...(tensors.logits && { logits: tensors.logits as Tensor2D }),
  };
}
