import type { Method } from "#pefd/distill/method.js";
import type { LossWeights } from "#pefd/distill/weights.js";
import type { Fill } from "#pefd/nn/builder.js";
import type { PartOfImages } from "../inputs.js";
import type { ImagesInput } from "../schema.js";

/** Some steps of distillation on one batch, whichever file tells of them. */
export interface Course {
  readonly student: string;
  readonly teacher: string;
  /** Where there are several: models, and the formula's key of each one's first tensor. */
  readonly teachers?: readonly (readonly [model: string, key: number])[] | undefined;
  readonly numClasses: number;
  readonly method: Method;
  /** Options that are told. */
  readonly told: object;
  /** First values of what the method adds. */
  readonly fill: Fill;
  readonly weights: LossWeights;
  /** Of the KL divergence between logits. */
  readonly temperature: number;
  readonly input: ImagesInput;
  /** The strong view of the same images, or other images of their classes. */
  readonly strong?: PartOfImages | undefined;
  /** Which images of the training set the batch is; their number is the set's where left out. */
  readonly images?: readonly number[];
  /** Images of the training set. */
  readonly setSize?: number;
  /** From 1. */
  readonly epoch: number;
  readonly sgd: { readonly lr: number; readonly momentum: number; readonly weightDecay: number };
  /** For how many steps at once the teacher looks at images, on XLA: 1 or 2; 1 where left out. */
  readonly ahead?: number;
  /** Steps of each of the method's phases before the main part. */
  readonly phaseSteps: readonly number[];
  readonly steps: number;
}
