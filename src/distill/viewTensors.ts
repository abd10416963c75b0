import type { FeatureMap, ModelOutput } from "../nn/model.js";
import type { Tensor, Tensor2D, Tensor4D } from "../runtime/tf.js";
import type { TeacherView } from "./views.js";

/** Tensors by name, each with the batch as its first axis. */
export type ViewTensors = Readonly<Record<string, Tensor>>;

/** Names of a map's tensors. */
const OUT = ".out";
const BEFORE_RELU = ".beforeRelu";

const mapTensors = (name: string, map: FeatureMap | undefined): ViewTensors =>
  map === undefined
    ? {}
    : {
        [name + OUT]: map.out,
        ...(map.beforeRelu !== map.out && { [name + BEFORE_RELU]: map.beforeRelu }),
      };

/** Tensors of views of a teacher's output. */
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

/**
 * The teacher's output from such tensors.
 * @param count number of the teacher's maps
 */
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
