import type { Rows, RowValues } from "../common/optionRow.js";
import type { ModelBuilder } from "../nn/builder.js";
import type { ForwardContext, Insertion, ModelOutput, StateEntry } from "../nn/model.js";
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D, Variable } from "../runtime/tf.js";
import type { TeacherView } from "./views.js";
import type { LossWeights } from "./weights.js";

/** Papers that several methods are of. */
export const PEFD = "Chen et al., Improved Feature Distillation via Projector Ensemble, NeurIPS 2022";
export const TTM = "Zheng and Yang, Knowledge Distillation Based on Transformed Teacher Matching, ICLR 2024";

/** Code that several methods were compared with. */
export const REP_DISTILLER = "HobbitLong/RepDistiller b84f547";
export const TTM_CODE = "zkxufo/TTM fe457b3";
export const SIM_KD = "DefangChen/SimKD 2b389c3";

/** What is known of a model before it runs: shapes for one image. */
export interface FeatureShapes {
  /** [H, W, C] of ModelOutput.stem; undefined where there is none. */
  readonly stem?: readonly number[] | undefined;
  /** [H, W, C] of each map of ModelOutput.maps. */
  readonly maps: readonly (readonly number[])[];
  /** [H, W, C] of ModelOutput.averaged, and of the map behind which a method can put layers (Distillation.insertion). */
  readonly lastMap: readonly number[];
  /**
   * Of each map, the name in `state` of the batch normalisation that its last ReLU follows; empty where the family has no
   * such thing.
   */
  readonly norms: readonly string[];
  /** Size of the penultimate vector. */
  readonly pooled: number;
  /**
   * Its tensors by PyTorch's name. Those of a teacher are as its file has them, batch normalisation not folded into
   * convolutions; steps may read them, and nothing changes them.
   */
  readonly state: readonly StateEntry[];
  /** Those of its tensors that stem and stages have, up to the last map as the next layers see it. */
  readonly features: readonly StateEntry[];
}

/** The pair that a method works on. */
export interface Pair {
  readonly student: FeatureShapes;
  readonly teacher: FeatureShapes;
  readonly numClasses: number;
  /** Labels of the run's training images, in the order of StepContext.image. */
  readonly labels: ArrayLike<number>;
  /** Images of a step; the last step of an epoch may have fewer (Method.shortBatches). */
  readonly batchSize: number;
}

/** One batch of N images while a step is described. Values of the teacher, labels and draws carry no gradient. */
export interface StepContext extends TwoOutputs {
  /** [N], int32 */
  readonly labels: Tensor1D;
  /** [N, classes] */
  readonly oneHot: Tensor2D;
  /** [N], int32: which of the run's training images each one is, from 0. */
  readonly image: Tensor1D;
  /** float32, from 1 */
  readonly epoch: Scalar;
  /** What `draws` drew for this step. */
  readonly drawn: Readonly<Record<string, Tensor>>;
  /** Both models on the strong view of the same images, where the row asks for it; the student ran on it second. */
  readonly strong: TwoOutputs;
}

/** What both models give for the same images. */
export interface TwoOutputs {
  readonly student: ModelOutput;
  /** Looking at what the method's row does not name throws. */
  readonly teacher: ModelOutput;
}

/** What both models' classifiers make of places or regions of their maps, [N, H, W, classes]. */
export interface ClassMaps {
  readonly student: Tensor4D;
  readonly teacher: Tensor4D;
}

/** One step of training, as far as random draws may depend on it: a run that goes on draws the same again. */
export interface DrawnStep {
  readonly seed: number;
  /** From 1. */
  readonly epoch: number;
  /** From 1, within the epoch. */
  readonly step: number;
  /** [N], see StepContext.image. */
  readonly image: Int32Array;
}

/** Random values that a method draws on the host for every step, by name. */
export interface Draws {
  /** What a step of N images takes. */
  specs(images: number): Readonly<Record<string, DrawSpec>>;
  /** The values of one step, in C order. They must follow from the argument alone (see common/random.ts). */
  values(step: DrawnStep): Readonly<Record<string, Float32Array | Int32Array>>;
}

/** Shape and element type of a drawn tensor. */
export interface DrawSpec {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
}

/** A method at work on one pair. */
export interface Distillation<Term extends string = string> {
  /**
   * The method's own loss: scalars by name, each logged, their sum weighted with beta. One that is left out counts as 0.
   * @param context takes new values of what no gradient reaches: statistics of own layers (they do it by themselves),
   * memory banks (`context.updates.push(rowsUpdate(bank, at.image, rows))`; all reads of a step see the old value)
   */
  terms(at: StepContext, context: ForwardContext): Readonly<Partial<Record<Term, Scalar>>>;
  readonly draws?: Draws;
  /** Sentences for the user about what the method does with this pair, printed when the training starts. */
  readonly notices?: readonly string[];
  /** What comes before; the main part then starts with a fresh optimizer, and its learning rate falls counted from there. */
  readonly phases?: readonly Phase<Term>[];
  /** The terms of the main part; those that no phase has where left out. */
  readonly mainTerms?: readonly Term[];
  /**
   * The logits [N, classes] that count in evaluations, where the method predicts through more than the student.
   * @param student its output in evaluation mode
   */
  evaluated?(student: ModelOutput, context: ForwardContext): Tensor2D;
  /**
   * Layers that become part of the student, behind its last stage, in training and in evaluation. What they show is
   * StepContext.student.inserted.
   */
  readonly insertion?: Insertion;
  /** What cross entropy and KL divergence see of logits [N, classes], the student's and the teacher's alike. */
  logits?(logits: Tensor2D): Tensor2D;
  /** Parameters of the student that the method takes out of it: they are zero and stay so. */
  readonly removed?: readonly Variable[];
  /** Own parameters that learn otherwise than the rest; those of the student may be among them. */
  readonly groups?: readonly ParameterGroup[];
  /** Own parameters that learn in phases alone, whatever terms of the main part reach them. */
  readonly learnBefore?: readonly Variable[];
  /** What the optimizer does otherwise than SGD with momentum, in all parts of the training. */
  readonly optimizer?: OptimizerTraits;
}

/** What SGD with momentum can do besides. */
export interface OptimizerTraits {
  /** Nesterov's momentum: a step is g + momentum * v, with the new momentum buffer v. */
  readonly nesterov?: boolean;
  /**
   * Two momentum buffers for each parameter. That of the cross entropy has the run's momentum less this, and takes the weight
   * decay; that of all other terms has the run's momentum plus this. A step is their sum.
   */
  readonly momentumDifference?: number;
}

/** A part of a training that comes before the main one. */
export interface Phase<Term extends string = string> {
  /** The first so many of the run's --epochs that no phase before it has taken. */
  readonly epochs: number;
  /** The terms that it has, of those that the row names. */
  readonly terms: readonly Term[];
  /** Its learning rate, from its first epoch to its last; the run's at the start where left out. */
  readonly learningRate?: number;
  /** Whether what follows goes on with its optimizer, and the run's learning rate falls counted from its first epoch. */
  readonly continues?: boolean;
  /** What learns; all that learns in the main part where left out. */
  readonly learns?: readonly Variable[];
  /** Running means of the student's batch normalisations that are in evaluation mode; none where left out. */
  readonly inEvaluation?: readonly Variable[];
  /** Its whole loss: the sum of these terms, which have no weights. */
  loss(at: StepContext, context: ForwardContext): Readonly<Partial<Record<Term, Scalar>>>;
}

/** Parameters with a learning rate or a weight decay of their own. */
export interface ParameterGroup {
  readonly parameters: readonly Variable[];
  /** The run's learning rate times this; 1 where left out. */
  readonly learningRateFactor?: number;
  /** In place of --weight_decay. */
  readonly weightDecay?: number;
}

/** What was published for some pairs, as far as it is not the row's weights and its options' defaults. */
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

/** What is told of a published procedure, besides what it computes. */
export interface Publication<Options extends Rows = Rows> {
  /** Authors, title, place, and the year at the end. */
  readonly paper: string;
  /** Where the authors' code is that the method was compared with: OWNER/REPOSITORY on GitHub, and the commit. */
  readonly code: string;
  /** Its own loss in one line, f for maps, p for the pooled vector, z for logits, s and t for student and teacher. */
  readonly formula: string;
  /** What one may easily get wrong or be surprised by, each in a sentence, for docs/methods.md. */
  readonly traps?: readonly string[];
  /** Its files of golden numbers in test/golden; methods/GROUP/NAME.json where left out (groups.ts). */
  readonly golden?: readonly string[];
  /** The published weights, which stand where none is given. */
  readonly weights: LossWeights;
  /** Where pairs were published with others; they stand where nothing is given for that pair. */
  readonly published?: readonly PublishedSetting<Options>[];
  /** Values of a run's other options that the published procedure has, where they are not given. */
  readonly defaults?: Readonly<Record<string, OptionValue>>;
  /** Values of its own options that the authors' code takes from the student's name and the learning rate, where not given. */
  readonly ofStudent?: (run: {
    readonly student: string;
    readonly learningRate: number;
  }) => Partial<RowValues<Options>>;
}

/**
 * A procedure that was published under a name of its own, and that is a method with some of its options set. Presets and
 * golden files are called by its name; what it does not tell is the method's, but for settings of pairs.
 */
export interface Variant<Options extends Rows = Rows> extends Publication<Options> {
  readonly name: string;
  /** The values of the method's options by which a run is one of it. */
  readonly set: Readonly<Record<string, OptionValue>>;
}

/** One distillation method: a file in methods/GROUP and a row in the registry. */
export interface Method<Options extends Rows = Rows, Term extends string = string> extends Publication<Options> {
  /** As it is typed: the paper's spelling. */
  readonly name: string;
  readonly summary: string;
  /** Options of its own: told in help under its name, in a run's folder, in sweeps and reports. */
  readonly options: Options;
  /** What others published of it under names of their own. */
  readonly variants?: readonly Variant<Options>[];
  /** Names of its own terms, in the order in which they are logged. */
  readonly terms: readonly Term[];
  /** What each of them is multiplied by besides beta; 1 where left out. */
  readonly termWeights?: Readonly<Partial<Record<Term, number>>>;
  /** What its own terms look at of the teacher's output. */
  sees(options: RowValues<Options>): readonly TeacherView[];
  /**
   * The teacher's mode; evaluation where left out. In training its batch normalisations take the statistics of the batch,
   * and its running statistics move and are kept with the run.
   */
  readonly teacherMode?: "training";
  /** What becomes of the images that are left at the end of an epoch and fill no batch; one more step where left out. */
  readonly shortBatches?: "left out";
  /** Images that a step must have, where its own terms compare images with each other; 1 where left out. */
  readonly leastImages?: number;
  /**
   * Whether each step also has a strong view of its images (data/strong/strongView.ts): StepContext.strong. The student runs on it
   * after the weak one, its running statistics move twice, and the cross entropy is the sum of both views'.
   */
  readonly strongView?: true;
  /**
   * Its terms from both models' class maps, where they follow from those alone: golden files of such methods begin there.
   */
  ofClassMaps?(maps: ClassMaps, at: StepContext, options: RowValues<Options>): Readonly<Partial<Record<Term, Scalar>>>;
  /**
   * Makes what the method adds to the student.
   * @param make takes its layers and tensors, under the names that checkpoints have
   * @throws inputError where it does not fit the pair
   */
  build(pair: Pair, options: RowValues<Options>, make: ModelBuilder): Distillation<Term>;
}

/** Names of terms that every loss has, or that stand for all of it. */
const TAKEN: ReadonlySet<string> = new Set(["ce", "kl", "loss", "top1", "top5"]);

/**
 * A row for the registry; inside of it, options and terms have their types.
 * @throws Error where a term has a name that the loss itself uses (a defect of the row)
 */
export function defineMethod<const Term extends string, Options extends Rows>(row: Method<Options, Term>): Method {
  const taken = row.terms.find((term) => TAKEN.has(term) || !/^[a-z]\w*$/.test(term));
  if (taken !== undefined) throw new Error(`${row.name} cannot name a term ${taken}.`);
  return row;
}
