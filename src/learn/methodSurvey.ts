import { PefdError } from "../common/errors.js";
import { sizeOf } from "../common/shapes.js";
import { namesIn } from "../distill/combination.js";
import type { FeatureShapes, Method } from "../distill/method.js";
import { ownOptions, type Procedure, refuseNoAverage, refuseSeveralTeachers } from "../distill/open.js";
import { type PairSetting, publishedSetting } from "../distill/published.js";
import { type TeacherView, usedViews } from "../distill/views.js";
import { featureState, mapShapes, stateLayout, surveyModel } from "../models/survey.js";
import { isBuffer, isParameter } from "../nn/builder.js";
import type { StateEntry } from "../nn/model.js";
import { traceLayers } from "../nn/shapeTrace.js";

/** Models; of several teachers joined with +. */
export type PairNames = { readonly teacher: string; readonly student: string };

export interface Added {
  readonly parameters: number;
  /** Elements written without a gradient, such as memory banks. */
  readonly buffered: number;
  /** Epochs of each part before the main one. */
  readonly phases: readonly number[];
}

export interface MethodSurvey {
  readonly sees: readonly TeacherView[];
  /** Teacher views of its loss with the pair's weights. */
  readonly used: readonly TeacherView[];
  readonly setting: PairSetting;
  /** A sentence where the method does not fit. */
  readonly added: Added | string;
}

export const CLASSES = 100;

export const IMAGES = 50_000;

const elements = (state: readonly StateEntry[], isCounted: (role: StateEntry["role"]) => boolean) =>
  state.filter(({ role }) => isCounted(role)).reduce((sum, { shape }) => sum + sizeOf(shape), 0);

function featureShapesOf(model: string): FeatureShapes {
  const state = stateLayout(model) as readonly StateEntry[];
  return { ...mapShapes(model), pooled: surveyModel(model).featureSize, state, features: featureState(model, state) };
}

const BATCH_SIZE = 64;

/** Balanced, as many as training images. */
const LABELS = Int32Array.from({ length: IMAGES }, (_, image) => image % CLASSES);

/** Additions to a CIFAR-100 pair, or why not; no native library needed. @throws inputError for an unknown model */
export function addedBy(method: Method, options: object, { teacher, student }: PairNames): Added | string {
  const teachers = namesIn(teacher).map(featureShapesOf);
  const pair = {
    student: featureShapesOf(student),
    teacher: teachers[0] as FeatureShapes,
    ...(teachers.length > 1 && { teachers }),
    numClasses: CLASSES,
    labels: LABELS,
    batchSize: BATCH_SIZE,
  };
  try {
    const own = ownOptions(method, options);
    refuseSeveralTeachers(method, pair, own);
    const fitting = refuseNoAverage(method, pair, own);
    const { made, state } = traceLayers((make) => method.build(fitting, own, make));
    return {
      parameters: elements(state, isParameter),
      buffered: elements(state, isBuffer),
      phases: made.phases?.map(({ epochs }) => epochs) ?? [],
    };
  } catch (error) {
    if (error instanceof PefdError) return error.message;
    throw error;
  }
}

/** A method or variant on a CIFAR-100 pair; no native library needed. @throws inputError for an unknown model */
export function surveyMethod(procedure: Procedure, names: PairNames): MethodSurvey {
  const { method, set, defaults = {} } = procedure;
  const setting = publishedSetting(procedure, `${names.teacher}-${names.student}`);
  const options = { ...defaults, ...setting.options, ...set };
  const sees = method.sees(ownOptions(method, options));
  return { sees, setting, used: usedViews(sees, setting.weights), added: addedBy(method, options, names) };
}
