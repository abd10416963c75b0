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

/** The parts of a training in order. */
export function stagesOf(learner: Learner): Stage[] {
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
  const scheduleFrom = continues ? from : first;
  const end = Number.POSITIVE_INFINITY;
  return [...stages, { learner, first, end, rests: !continues, scheduleFrom }];
}

/** The terms of all parts, each once, in their order. */
export const stageTerms = (stages: readonly Stage[]): string[] => [
  ...new Set(stages.flatMap(({ learner }) => learner.objective.termNames)),
];

/** What is told of a run that ends before its main part: it goes on there once it is given more epochs. */
export function shortRunText(stages: readonly Stage[], epochs: number): string | undefined {
  const { first } = stages.at(-1) as Stage;
  if (first <= epochs) return undefined;
  return `Of --epochs ${epochs} the method's first ${first - 1} are a phase before its main part, which this run does not reach; --resume with --epochs ${first} or more goes on with it.`;
}
