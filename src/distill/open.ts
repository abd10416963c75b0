import { inputError } from "../common/errors.js";
import type { Row, Rows, RowValues } from "../common/optionRow.js";
import { createBuilder, type FirstValues } from "../nn/builder.js";
import type { StateEntry } from "../nn/model.js";
import type { Distillation, FeatureShapes, Method, Pair, Variant } from "./method.js";
import type { TeacherView } from "./views.js";

/** A published name: a method's row, with a variant merged into it. */
export interface Procedure extends Method {
  readonly method: Method;
  /** Option values of a variant; none for the method itself. */
  readonly set: Variant["set"];
}

/** A method, then its variants. */
export function proceduresOf(method: Method): readonly Procedure[] {
  const { published: _published, golden: _golden, ...row } = method;
  const variants = (method.variants ?? []).map((variant) => ({ ...row, ...variant, method }));
  return [{ ...method, method, set: {} }, ...variants];
}

/** The method or variant of some options. */
export function procedureOf(method: Method, told: object): Procedure {
  const values: Readonly<Record<string, unknown>> = ownOptions(method, told);
  const fits = ({ set }: Procedure) => Object.entries(set).every(([name, value]) => values[name] === value);
  return proceduresOf(method).findLast(fits) as Procedure;
}

/** A method built for a pair. */
export interface OpenedMethod extends Distillation {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly termNames: readonly string[];
  readonly termWeights?: Readonly<Partial<Record<string, number>>>;
  readonly sees: readonly TeacherView[];
  readonly teacherTrains: boolean;
  readonly strongView: boolean;
  readonly classView: boolean;
  /** Whether the last partial batch is dropped (PyTorch's drop_last). */
  readonly wholeBatches: boolean;
  readonly state: readonly StateEntry[];
}

/** A method's own options among a run's, with defaults. */
export function ownOptions<Options extends Rows>(
  { options }: Pick<Method<Options>, "options">,
  told: object,
): RowValues<Options> {
  const values = told as Readonly<Record<string, unknown>>;
  const own = Object.entries<Row>(options).map(([name, { fallback }]) => [name, values[name] ?? fallback]);
  return Object.fromEntries(own) as RowValues<Options>;
}

function refuseNoBatch({ name, shortBatches }: Method, { labels, batchSize }: Pair): void {
  const images = labels.length;
  if (shortBatches === undefined || images === 0 || images >= batchSize) return;
  throw inputError(
    `${name} leaves out what fills no batch, and the ${images} training images are fewer than one of ${batchSize}.`,
    `Give --batch_size ${images} or less.`,
  );
}

/** Refuses batches too small for a method, whose loss would be NaN. @throws inputError with the minimum and a hint */
export function refuseSmallSteps({ name, leastImages = 1, shortBatches }: Method, { labels, batchSize }: Pair): void {
  const images = labels.length;
  const rest = shortBatches === undefined ? images % batchSize : 0;
  if (images === 0 || (rest || batchSize) >= leastImages) return;
  const needs = `${name} compares the images of a batch with each other and needs ${leastImages} of them`;
  if (rest === 0) {
    throw inputError(`${needs}.`, `Give --batch_size ${leastImages} or more.`);
  }
  const left = images > rest ? ` or leave it out with --limit_train ${images - rest}` : "";
  throw inputError(
    `${needs}; the last batch of an epoch has ${rest} (${images} training images in batches of ${batchSize}).`,
    `Give another --batch_size${left}.`,
  );
}

/** Refuses several teachers where a method compares more than logits with one. @throws inputError */
export function refuseSeveralTeachers(method: Method, { teachers }: Pair, options: object): void {
  if (teachers === undefined || method.eachTeacher) return;
  const others = method.sees(ownOptions(method, options)).filter((view) => view !== "logits");
  if (others.length === 0 && method.teacherMode === undefined) return;
  throw inputError(
    `${method.name} takes one teacher: it looks at ${others.join(", ")}, and several teachers are averaged in their logits only.`,
    "Give one teacher, a method that compares logits alone, such as kd, or camkd, which weighs several teachers.",
  );
}

/** Refuses a method that reads the averaged map where a model has none. @returns the pair, which refuses in `build` too */
export function refuseNoAverage(method: Method, pair: Pair, options: object): Pair {
  const refuse = (): never => {
    throw inputError(
      `${method.name} looks at the map before global average pooling; a model with a class token has none.`,
      "Take another model, or a method that compares logits, pooled vectors or other maps, such as kd, ours or reviewkd.",
    );
  };
  const { student, teacher, teachers = [teacher] } = pair;
  const lacking = ({ lastMap }: FeatureShapes) => lastMap.length === 0;
  if (![student, ...teachers].some(lacking)) return pair;
  if (method.sees(ownOptions(method, options)).includes("averaged")) refuse();
  // Not copied with the rest, so that a method may copy shapes without it.
  const guarded = (shapes: FeatureShapes): FeatureShapes =>
    lacking(shapes) ? Object.defineProperty({ ...shapes }, "lastMap", { get: refuse, enumerable: false }) : shapes;
  return {
    ...pair,
    student: guarded(student),
    teacher: guarded(teacher),
    ...(pair.teachers && { teachers: teachers.map(guarded) }),
  };
}

/**
 * Builds a method's additions.
 * @param told a run's options
 * @throws inputError where the method does not fit the pair
 */
export function openMethod(method: Method, pair: Pair, told: object, first: FirstValues): OpenedMethod {
  const options = ownOptions(method, told);
  refuseNoBatch(method, pair);
  refuseSeveralTeachers(method, pair, options);
  const fitting = refuseNoAverage(method, pair, options);
  const builder = createBuilder("projectors", first);
  const distillation = method.build(fitting, options, builder);
  const ofPhases = new Set(distillation.phases?.flatMap(({ terms }) => terms));
  const ofMain = distillation.mainTerms ?? method.terms.filter((term) => !ofPhases.has(term));
  return {
    ...distillation,
    name: method.name,
    options,
    termNames: ofMain,
    ...(method.termWeights && { termWeights: method.termWeights }),
    sees: method.sees(options),
    teacherTrains: method.teacherMode === "training",
    strongView: method.strongView === true,
    classView: method.classView === true,
    wholeBatches: method.shortBatches === "left out",
    state: builder.state,
  };
}
