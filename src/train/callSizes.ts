import type { Call } from "../compile/types.js";
import { isGpu } from "../runtime/device.js";

/** Most training steps that one call may take. */
export const STEPS_PER_CALL = 64;

const even = (steps: number, most: number): number =>
  Math.max(1, Math.floor(steps / Math.ceil(steps / most)) || 1);

/**
 * Most steps that one call may take where their images need room.
 * @param steps the most without that
 * @param images that there is room for; any number where left out
 */
export const mostSteps = (
  steps: number,
  batchSize: number,
  images: number = Number.POSITIVE_INFINITY,
): number => Math.max(1, Math.min(steps, Math.floor(images / batchSize)));

/**
 * Steps per call such that whole calls take as many of the steps as they can, and none is above a bound.
 * @param group a number of steps that calls take several times
 */
export const evenCalls = (steps: number, most: number, group = 1): number =>
  group * even(Math.floor(steps / group), Math.floor(most / group));

/**
 * Training steps of an epoch that are left when whole calls have taken theirs.
 * @param group a number of steps that calls take several times
 */
export const stepsLeft = (steps: number, group: number): number =>
  steps % evenCalls(steps, STEPS_PER_CALL, group);

/**
 * How many steps a first call takes: all that one may take on a GPU, where that is a fraction of a second and has a
 * program of its own; one on a processor, where a step can take seconds.
 */
export const firstSteps = (stepsPerCall: number): number => (isGpu() ? stepsPerCall : 1);

/** The calls that so many steps of an entry are made of: whole ones, and where there are several, shorter ones. */
export const callsOf = (entry: string, steps: number, stepsPerCall: number): Call[] => [
  ...(steps >= stepsPerCall ? ([[entry, stepsPerCall]] as const) : []),
  ...(steps > stepsPerCall ? ([[entry, 1]] as const) : []),
];
