import { type OpenedMethod, openMethod } from "#pefd/distill/open.js";
import { crossEntropy, distillKL } from "#pefd/distill/parts/losses.js";
import type { Learner } from "#pefd/learn/learner.js";
import { distilledLearner, ensemble, featureShapesOf, frozen, mapCounts, teacherShapes } from "#pefd/learn/learners.js";
import { createMetrics } from "#pefd/learn/metrics.js";
import type { DistillConfig, Objective } from "#pefd/learn/objective.js";
import { buildModel } from "#pefd/models/build.js";
import type { Model } from "#pefd/nn/model.js";
import { type Scalar, type Tensor2D, tf, type Variable } from "#pefd/runtime/tf.js";
import { formulaFill } from "../formula.js";
import type { Course } from "./course.js";

/** Everything that takes part in a trajectory: what training itself uses, filled by the formula. */
export interface Scene {
  /** As runs have it: batch normalisation folded into convolutions. */
  readonly teacher: Model;
  readonly teacherVariables: readonly Variable[];
  readonly method: OpenedMethod;
  /** Of the main part. Its terms are those of its loss and, of weight zero, cross entropy and KL divergence. */
  readonly learner: Learner;
  /** The method's phases before it. */
  readonly phases: readonly Learner[];
  /** What is written down after the last step. */
  readonly seen: Readonly<Record<"student" | "teacher" | "pooled" | "evaluated", Variable>>;
}

/**
 * Student, teacher, what the method adds, and the optimizer of a trajectory.
 * @throws inputError for a model that the registry does not have, or a method that does not fit the pair
 */
export function createScene(course: Course): Scene {
  const { numClasses, input, weights, temperature } = course;
  const student = buildModel(course.student, numClasses, formulaFill());
  const { teachers = [[course.teacher, 0]] } = course;
  const { model: teacher, variables: teacherVariables } = ensemble(
    teachers.map(([name, key]) => frozen(buildModel(name, numClasses, formulaFill(key)), course.method.teacherMode)),
  );
  const labels = new Array<number>(course.setSize ?? input.labels.length).fill(0);
  const pair = {
    student: featureShapesOf(student),
    ...teacherShapes(teacher),
    numClasses,
    labels,
    batchSize: input.labels.length,
  };
  const method = openMethod(course.method, pair, course.told, course.fill);
  const config: DistillConfig = {
    teacher,
    teacherMaps: mapCounts(pair),
    method,
    weights,
    temperature,
  };
  const whole = distilledLearner(student, config, 0);
  const batch = input.labels.length * (method.classView ? 2 : 1);
  const zeros = (...shape: number[]) => tf.tidy(() => tf.variable(tf.zeros(shape), false));
  const logits = () => zeros(batch, numClasses);
  return {
    teacher,
    teacherVariables,
    method,
    learner: watched(whole, config),
    phases: (whole.phases ?? []).map(({ learner }) => learner),
    seen: {
      student: logits(),
      teacher: logits(),
      evaluated: logits(),
      pooled: zeros(batch, teacher.featureSize),
    },
  };
}

/** A learner whose terms are told with cross entropy and KL divergence also where their weights are zero. */
function watched(learner: Learner, config: DistillConfig): Learner {
  const { objective } = learner;
  const { teacher, temperature, method } = config;
  const seen = (logits: Tensor2D): Tensor2D => method.logits?.(logits) ?? logits;
  const missing = ["ce", "kl"].filter((name) => !objective.termNames.includes(name));
  const told: Objective = {
    ...objective,
    termNames: [...objective.termNames, ...missing],
    of(batch) {
      const lossOf = objective.of(batch);
      const logits =
        batch.guide?.logits ?? (teacher as Model).forward(batch.images, { training: false, updates: [] }).logits;
      return (student, oneHot, context) => {
        const loss = lossOf(student, oneHot, context);
        const found: Readonly<Record<string, () => Scalar>> = {
          ce: () => crossEntropy(seen(student.logits), oneHot),
          kl: () => distillKL(seen(student.logits), seen(logits), temperature),
        };
        return {
          ...loss,
          terms: [...loss.terms, ...missing.flatMap((name) => found[name]?.() ?? [])],
        };
      };
    },
  };
  for (const variable of Object.values(learner.metrics)) variable.dispose();
  return { ...learner, objective: told, metrics: createMetrics(told.termNames.length) };
}
