import type { Rows, RowValues } from "../common/optionRow.js";
import type { ModelBuilder } from "../nn/builder.js";
import type { ForwardContext, Insertion, ModelOutput, StateEntry } from "../nn/model.js";
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D, Variable } from "../runtime/tf.js";
import type { TeacherView } from "./views.js";
import type { LossWeights } from "./weights.js";

/** Papers of several methods. */
export const PEFD = "Chen et al., Improved Feature Distillation via Projector Ensemble, NeurIPS 2022";
export const TTM = "Zheng and Yang, Knowledge Distillation Based on Transformed Teacher Matching, ICLR 2024";

/** Reference code of several methods. */
export const REP_DISTILLER = "HobbitLong/RepDistiller b84f547";
export const TTM_CODE = "zkxufo/TTM fe457b3";
export const SIM_KD = "DefangChen/SimKD 2b389c3";

/** Static shapes and tensors of a model, for one image. */
export interface FeatureShapes {
  /** [H, W, C] of ModelOutput.stem; undefined where there is none. */
  readonly stem?: readonly number[] | undefined;
  /** [H, W, C] of each map of ModelOutput.maps. */
  readonly maps: readonly (readonly number[])[];
  /** [H, W, C] of ModelOutput.averaged, and of the map after which Distillation.insertion adds layers. */
  readonly lastMap: readonly number[];
  /**
   * Of each map, the name in `state` of the batch normalisation before its last ReLU; empty where the family has none.
   */
  readonly norms: readonly string[];
  /** Size of the penultimate vector. */
  readonly pooled: number;
  /**
   * Its tensors by PyTorch's name. A teacher's are not folded; steps may read them, and nothing changes them.
   */
  readonly state: readonly StateEntry[];
  /** Tensors of stem and stages, up to the last map. */
  readonly features: readonly StateEntry[];
}

/** A teacher-student pair. */
export interface Pair {
  readonly student: FeatureShapes;
  readonly teacher: FeatureShapes;
  readonly numClasses: number;
  /** Labels of the run's training images, indexed by StepContext.image. */
  readonly labels: ArrayLike<number>;
  /** The last batch of an epoch may be smaller (Method.shortBatches). */
  readonly batchSize: number;
}

/** Inputs of a method in one step of N images. Teacher outputs, labels and random inputs carry no gradient. */
export interface StepContext extends TwoOutputs {
  /** [N], int32 */
  readonly labels: Tensor1D;
  /** [N, classes] */
  readonly oneHot: Tensor2D;
  /** [N], int32: indices into the run's training images. */
  readonly image: Tensor1D;
  /** float32, from 1 */
  readonly epoch: Scalar;
  /** The values of `draws` for this step. */
  readonly drawn: Readonly<Record<string, Tensor>>;
  /** Outputs for the strong view of the same images, where the row asks for it; the student ran on it second. */
  readonly strong: TwoOutputs;
}

/** Both models' outputs for the same images. */
export interface TwoOutputs {
  readonly student: ModelOutput;
  /** Access to views that the method's row does not declare throws. */
  readonly teacher: ModelOutput;
}

/** Both models' logits of pixels or regions of their maps, [N, H, W, classes]. */
export interface ClassMaps {
  readonly student: Tensor4D;
  readonly teacher: Tensor4D;
}

/** The step that random inputs depend on, so that a resumed run gets the same ones. */
export interface DrawnStep {
  readonly seed: number;
  /** From 1. */
  readonly epoch: number;
  /** From 1, within the epoch. */
  readonly step: number;
  /** [N], see StepContext.image. */
  readonly image: Int32Array;
}

/** A method's random inputs, made on the host for every step, by name. */
export interface Draws {
  /** Shapes for a step of N images. */
  specs(images: number): Readonly<Record<string, DrawSpec>>;
  /** The values of one step, in C order; a pure function of its argument (common/random.ts). */
  values(step: DrawnStep): Readonly<Record<string, Float32Array | Int32Array>>;
}

/** Shape and element type of a random input. */
export interface DrawSpec {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
}

/** A method on one pair. */
export interface Distillation<Term extends string = string> {
  /**
   * The method's own loss: scalars by name, each logged, their sum weighted with beta; 0 where left out.
   * @param context collects updates without gradients: running statistics (layers add them), and memory banks
   * (`context.updates.push(rowsUpdate(bank, at.image, rows))`; all reads of a step see the old value)
   */
  terms(at: StepContext, context: ForwardContext): Readonly<Partial<Record<Term, Scalar>>>;
  readonly draws?: Draws;
  /** Notices for the user about this pair, printed when the training starts. */
  readonly notices?: readonly string[];
  /** Phases before the main part, which then starts with a fresh optimizer and a fresh learning-rate schedule. */
  readonly phases?: readonly Phase<Term>[];
  /** The terms of the main part; by default those of no phase. */
  readonly mainTerms?: readonly Term[];
  /**
   * The evaluated logits [N, classes], where the method predicts with more than the student.
   * @param student its output in evaluation mode
   */
  evaluated?(student: ModelOutput, context: ForwardContext): Tensor2D;
  /**
   * Layers that become part of the student, after its last stage, in training and evaluation. Their output is
   * StepContext.student.inserted.
   */
  readonly insertion?: Insertion;
  /** A transform of both models' logits [N, classes] before cross entropy and KL divergence. */
  logits?(logits: Tensor2D): Tensor2D;
  /** Parameters that the method removes from the student: they stay zero. */
  readonly removed?: readonly Variable[];
  /** Parameter groups with their own hyperparameters; the student's may be among them. */
  readonly groups?: readonly ParameterGroup[];
  /** Own parameters that train only in phases. */
  readonly learnBefore?: readonly Variable[];
  /** Changes to SGD with momentum, in all parts of the training. */
  readonly optimizer?: OptimizerTraits;
}

/** Variants of SGD with momentum. */
export interface OptimizerTraits {
  /** Nesterov's momentum: a step is g + momentum * v, with the new momentum buffer v. */
  readonly nesterov?: boolean;
  /**
   * Two momentum buffers per parameter: for the cross entropy and weight decay with the run's momentum less this, for all
   * other terms with the run's momentum plus this. A step is their sum.
   */
  readonly momentumDifference?: number;
}

/** A phase before the main part. */
export interface Phase<Term extends string = string> {
  /** How many of the run's --epochs it takes. */
  readonly epochs: number;
  /** Its terms, of those of the row. */
  readonly terms: readonly Term[];
  /** Its constant learning rate; by default the run's initial one. */
  readonly learningRate?: number;
  /** Whether the next part keeps its optimizer state, and the run's schedule starts at its first epoch. */
  readonly continues?: boolean;
  /** Trainable parameters; by default those of the main part. */
  readonly learns?: readonly Variable[];
  /** Running means of the student's batch normalisations in evaluation mode; none by default. */
  readonly inEvaluation?: readonly Variable[];
  /** Its whole loss: the unweighted sum of these terms. */
  loss(at: StepContext, context: ForwardContext): Readonly<Partial<Record<Term, Scalar>>>;
}

/** Parameters with their own learning rate or weight decay. */
export interface ParameterGroup {
  readonly parameters: readonly Variable[];
  /** Factor of the run's learning rate; 1 by default. */
  readonly learningRateFactor?: number;
  /** Replaces --weight_decay. */
  readonly weightDecay?: number;
}

/** Published settings for some pairs, where they differ from the row's weights and defaults. */
export interface PublishedSetting<Options extends Rows = Rows> {
  /** Each as TEACHER-STUDENT, as the presets of configs/pairs are called. */
  readonly pairs: readonly string[];
  readonly weights?: Partial<LossWeights>;
  readonly options?: Partial<RowValues<Options>>;
  /** Values of a run's other options, before those of the row. */
  readonly defaults?: Readonly<Record<string, OptionValue>>;
}

/** A value of an option. */
type OptionValue = string | number | boolean | readonly number[];

/** Metadata of a published method. */
export interface Publication<Options extends Rows = Rows> {
  /** Authors, title, place, and the year at the end. */
  readonly paper: string;
  /** Reference code: OWNER/REPOSITORY on GitHub, and the commit. */
  readonly code: string;
  /** Its own loss in one line, f for maps, p for the pooled vector, z for logits, s and t for student and teacher. */
  readonly formula: string;
  /** Pitfalls, each in a sentence, for docs/methods.md. */
  readonly traps?: readonly string[];
  /** Its files of golden numbers in test/golden; methods/GROUP/NAME.json where left out (groups.ts). */
  readonly golden?: readonly string[];
  /** The published weights, the defaults. */
  readonly weights: LossWeights;
  /** Published settings of particular pairs; defaults for those pairs. */
  readonly published?: readonly PublishedSetting<Options>[];
  /** Published values of a run's other options; defaults. */
  readonly defaults?: Readonly<Record<string, OptionValue>>;
  /** Defaults of its own options that the authors' code derives from the student's name and the learning rate. */
  readonly ofStudent?: (run: {
    readonly student: string;
    readonly learningRate: number;
  }) => Partial<RowValues<Options>>;
}

/**
 * A method with some options set that was published under its own name, which presets and golden files have. Other fields
 * default to the method's, except settings of pairs.
 */
export interface Variant<Options extends Rows = Rows> extends Publication<Options> {
  readonly name: string;
  /** The option values that identify it. */
  readonly set: Readonly<Record<string, OptionValue>>;
}

/** One distillation method: a file in methods/GROUP and a row in the registry. */
export interface Method<Options extends Rows = Rows, Term extends string = string> extends Publication<Options> {
  /** The paper's spelling. */
  readonly name: string;
  readonly summary: string;
  /** Its own options: in help under its name, in a run's folder, in sweeps and reports. */
  readonly options: Options;
  /** Variants published under their own names. */
  readonly variants?: readonly Variant<Options>[];
  /** Names of its own terms, in logging order. */
  readonly terms: readonly Term[];
  /** Factors of terms besides beta; 1 by default. */
  readonly termWeights?: Readonly<Partial<Record<Term, number>>>;
  /** Views of the teacher's output that its own terms use. */
  sees(options: RowValues<Options>): readonly TeacherView[];
  /**
   * The teacher's mode; evaluation by default. In training mode its batch normalisations use batch statistics, and its
   * running statistics are updated and saved with the run.
   */
  readonly teacherMode?: "training";
  /** "left out" is drop_last: the partial batch of an epoch is dropped. */
  readonly shortBatches?: "left out";
  /** Smallest batch, where its own terms compare images with each other; 1 by default. */
  readonly leastImages?: number;
  /**
   * Whether each step also has a strong view of its images (data/strong/strongView.ts): StepContext.strong. The student runs
   * on it after the weak one, updates its running statistics twice, and the cross entropy is the sum of both views'.
   */
  readonly strongView?: true;
  /**
   * Its terms from both models' class maps, where they depend only on those: golden files of such methods begin there.
   */
  ofClassMaps?(maps: ClassMaps, at: StepContext, options: RowValues<Options>): Readonly<Partial<Record<Term, Scalar>>>;
  /**
   * Builds the method's additions to the student.
   * @param make receives its layers and tensors, with their names in checkpoints
   * @throws inputError where it does not fit the pair
   */
  build(pair: Pair, options: RowValues<Options>, make: ModelBuilder): Distillation<Term>;
}

/** Reserved names of terms. */
const TAKEN: ReadonlySet<string> = new Set(["ce", "kl", "loss", "top1", "top5"]);

/**
 * A typed row for the registry.
 * @throws Error where a term has a name that the loss itself uses (a defect of the row)
 */
export function defineMethod<const Term extends string, Options extends Rows>(row: Method<Options, Term>): Method {
  const taken = row.terms.find((term) => TAKEN.has(term) || !/^[a-z]\w*$/.test(term));
  if (taken !== undefined) throw new Error(`${row.name} cannot name a term ${taken}.`);
  return row;
}
