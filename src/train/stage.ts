import { inputError } from "../common/errors.js";
import type { Learner } from "../learn/learner.js";

/** A part of a training: one of the phases that a method begins with, or the main part. */
export interface Stage {
  readonly learner: Learner;
  /** Its first epoch, from 1. */
  readonly first: number;
  /** The epoch after its last one. */
  readonly end: number;
  /** Whether it starts with a fresh optimizer, as a part does that does not go on with the one before. */
  readonly rests: boolean;
  /** The epoch from which the run's schedule of the learning rate counts; a phase that stands alone has none. */
  readonly scheduleFrom?: number;
  /** Where the rate does not follow the run's schedule. */
  readonly learningRate?: number;
}

/**
 * The parts of a training in order.
 * @throws inputError where the phases leave none of the run's epochs for the main part
 */
export function stagesOf(learner: Learner, epochs: number): Stage[] {
  const stages: Stage[] = [];
  let [first, continues, from] = [1, true, 1];
  for (const phase of (learner.phases ?? []).filter((one) => one.epochs > 0)) {
    const { learningRate } = phase;
    const end = first + phase.epochs;
    if (!continues) from = first;
    stages.push({
      ...{ learner: phase.learner, first, end, rests: !continues },
      ...(phase.continues && { scheduleFrom: from }),
      ...(learningRate !== undefined && { learningRate }),
    });
    [first, continues] = [end, phase.continues];
  }
  if (first > epochs) {
    throw inputError(
      `Of --epochs ${epochs} the method takes the first ${first - 1}: none is left for its main part.`,
      `Give --epochs ${first} or more.`,
    );
  }
  const scheduleFrom = continues ? from : first;
  const end = Number.POSITIVE_INFINITY;
  return [...stages, { learner, first, end, rests: !continues, scheduleFrom }];
}

/** The terms of all parts, each once, in their order. */
export const stageTerms = (stages: readonly Stage[]): string[] => [
  ...new Set(stages.flatMap(({ learner }) => learner.objective.termNames)),
];
