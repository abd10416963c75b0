import { inputError } from "../common/errors.js";
import type { Learner } from "../learn/learner.js";

/** A part of a training: one of the phases that a method begins with, or the main part. */
export interface Stage {
  readonly learner: Learner;
  /** Its first epoch, from 1. */
  readonly first: number;
  /** The epoch after its last one. */
  readonly end: number;
  /** Where the rate does not follow the run's schedule. */
  readonly learningRate?: number;
}

/**
 * The parts of a training in order.
 * @throws inputError where the phases leave none of the run's epochs for the main part
 */
export function stagesOf(learner: Learner, epochs: number): Stage[] {
  const stages: Stage[] = [];
  let first = 1;
  for (const phase of learner.phases ?? []) {
    const { learningRate } = phase;
    const end = first + phase.epochs;
    const rate = learningRate !== undefined && { learningRate };
    if (phase.epochs > 0) stages.push({ learner: phase.learner, first, end, ...rate });
    first = end;
  }
  if (first > epochs) {
    throw inputError(
      `Of --epochs ${epochs} the method takes the first ${first - 1}: none is left for its main part.`,
      `Give --epochs ${first} or more.`,
    );
  }
  return [...stages, { learner, first, end: Number.POSITIVE_INFINITY }];
}

/** The terms of all parts, each once, in their order. */
export const stageTerms = (stages: readonly Stage[]): string[] => [
  ...new Set(stages.flatMap(({ learner }) => learner.objective.termNames)),
];
