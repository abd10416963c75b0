import type { FeatureMap, Model, ModelOutput } from "../nn/model.js";
import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../runtime/tf.js";
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

/**
 * The declared views of an output; others throw, so a wrong row fails at its first step.
 * @param maps the teacher's number
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

/**
 * What a method sees of a teacher's output: the declared views, of several teachers each one's.
 * @param maps each teacher's number
 */
export function seenTeachers(
  output: Partial<ModelOutput>,
  sees: readonly TeacherView[],
  maps: readonly number[],
): { readonly teacher: ModelOutput; readonly teachers?: readonly ModelOutput[] } {
  const see = (one: Partial<ModelOutput>, i: number) => seenOutput(one, sees, maps[i] ?? 0);
  const teachers = output.members?.map(see);
  return { teacher: see(output, 0), ...(teachers && { teachers }) };
}

/** The output of several teachers: each one's and, where all have logits, the mean of these. */
export function ensembleOutput(members: readonly Partial<ModelOutput>[]): Partial<ModelOutput> {
  const logits = members.flatMap((output) => output.logits ?? []);
  if (logits.length < members.length) return { members };
  const sum = logits.reduce((all, one) => tf.add(all, one));
  return { members, logits: tf.div(sum, members.length) };
}

/** By name, with the batch as first axis. */
export type ViewTensors = Readonly<Record<string, Tensor>>;

const OUT = ".out";
const BEFORE_RELU = ".beforeRelu";

const mapTensors = (name: string, map: FeatureMap | undefined): ViewTensors =>
  map === undefined
    ? {}
    : { [name + OUT]: map.out, ...(map.beforeRelu !== map.out && { [name + BEFORE_RELU]: map.beforeRelu }) };

/** Begins the names of one of several teachers' tensors. */
const ofTeacher = (i: number): string => `${i}.`;

/** Tensors behind views of a teacher's output. */
export function viewTensors(output: Partial<ModelOutput>, views: readonly TeacherView[]): ViewTensors {
  const { members } = output;
  if (members !== undefined) return ofEach(members.map((member) => viewTensors(member, views)));
  const isSeen = (...names: TeacherView[]): boolean => names.some((name) => views.includes(name));
  const maps = (output.maps ?? []).map((map, i): ViewTensors => {
    const name = `map${i + 1}` as const;
    return isSeen(name, "maps") ? mapTensors(name, map) : {};
  });
  return {
    ...(isSeen("logits") && { logits: output.logits as Tensor2D }),
    ...(isSeen("pooled") && { pooled: output.pooled as Tensor2D }),
    ...(isSeen("averaged") && { averaged: output.averaged as Tensor4D }),
    ...(isSeen("stem") && mapTensors("stem", output.stem)),
    ...Object.assign({}, ...maps),
  };
}

/** What there is of each teacher as one, with the teacher's number before its names; of a single one itself. */
export function ofEach<Value>(all: readonly Readonly<Record<string, Value>>[]): Readonly<Record<string, Value>> {
  const [first = {}, ...others] = all;
  if (others.length === 0) return first;
  return Object.fromEntries(
    all.flatMap((one, i) => Object.entries(one).map(([name, value]) => [ofTeacher(i) + name, value] as const)),
  );
}

/** Those of one of them, back. */
function partOf(tensors: ViewTensors, i: number): ViewTensors {
  const own = Object.entries(tensors).filter(([name]) => name.startsWith(ofTeacher(i)));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(ofTeacher(i).length), value]));
}

function mapOf(name: string, tensors: ViewTensors): FeatureMap | undefined {
  const out = tensors[name + OUT] as Tensor4D | undefined;
  const before = tensors[name + BEFORE_RELU] as Tensor4D | undefined;
  return out && { out, beforeRelu: before ?? out };
}

/** The output back from viewTensors. @param maps each teacher's number */
export function outputOfViews(tensors: ViewTensors, maps: readonly number[]): Partial<ModelOutput> {
  if (maps.length > 1) return ensembleOutput(maps.map((count, i) => outputOfViews(partOf(tensors, i), [count])));
  const [count] = maps;
  const stem = mapOf("stem", tensors);
  return {
    ...(stem && { stem }),
    maps: Array.from({ length: count ?? 0 }, (_, i) => mapOf(`map${i + 1}`, tensors) as FeatureMap),
    ...(tensors.pooled && { pooled: tensors.pooled as Tensor2D }),
    ...(tensors.averaged && { averaged: tensors.averaged as Tensor4D }),
    ...(tensors.logits && { logits: tensors.logits as Tensor2D }),
  };
}
