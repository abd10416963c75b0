import type { Rows, RowValues } from "../common/optionRow.js";
import type { ModelBuilder } from "../nn/builder.js";
import type { ForwardContext, Insertion, Model, ModelOutput, StateEntry } from "../nn/model.js";
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor4D, Variable } from "../runtime/tf.js";
import type { TeacherView } from "./views.js";
import type { LossWeights } from "./weights.js";

export const PEFD = "Chen et al., Improved Feature Distillation via Projector Ensemble, NeurIPS 2022";
export const TTM = "Zheng and Yang, Knowledge Distillation Based on Transformed Teacher Matching, ICLR 2024";

export const REP_DISTILLER = "HobbitLong/RepDistiller b84f547";
export const TTM_CODE = "zkxufo/TTM fe457b3";
export const SIM_KD = "DefangChen/SimKD 2b389c3";

/** Shapes and tensors of a model, for one image. */
export interface FeatureShapes {
  /** [H, W, C] of ModelOutput.stem; undefined where there is none. */
  readonly stem?: readonly number[] | undefined;
  /** [H, W, C] of each map of ModelOutput.maps. */
  readonly maps: readonly (readonly number[])[];
  /** [H, W, C] of ModelOutput.averaged, and of the map after which Distillation.insertion adds layers. */
  readonly lastMap: readonly number[];
  /** Per map, name in `state` of the batch normalisation before its last ReLU; empty where the family has none. */
  readonly norms: readonly string[];
  readonly pooled: number;
  /** By PyTorch's names. A teacher's are not folded; steps may read them, never assign them. */
  readonly state: readonly StateEntry[];
  /** Tensors of stem and stages up to the last map. */
  readonly features: readonly StateEntry[];
}

export interface Pair {
  readonly student: FeatureShapes;
  /** The first of several; the student's own shapes without a teacher. */
  readonly teacher: FeatureShapes;
  /** In order, where there are several. */
  readonly teachers?: readonly FeatureShapes[];
  readonly numClasses: number;
  /** Height and width of the images. */
  readonly imageSize?: number | undefined;
  /** By training image, see StepContext.image. */
  readonly labels: ArrayLike<number>;
  /** The last batch of an epoch may be smaller (Method.shortBatches). */
  readonly batchSize: number;
}

/** Inputs of a step of N images; no gradient through teacher outputs, labels and random inputs. */
export interface StepContext extends TwoOutputs {
  /** [N, H, W, 3], normalised */
  readonly images: Tensor4D;
  /** [N], int32 */
  readonly labels: Tensor1D;
  /** [N, classes] */
  readonly oneHot: Tensor2D;
  /** [N], int32: indices into the run's training images. */
  readonly image: Tensor1D;
  /** float32, from 1 */
  readonly epoch: Scalar;
  readonly drawn: Readonly<Record<string, Tensor>>;
  /** Outputs for the strong or class view, if the row asks for one; the student runs on it second. */
  readonly strong: TwoOutputs;
}

export interface TwoOutputs {
  readonly student: ModelOutput;
  /** Views that the row does not declare throw. Of several teachers it has only the mean of their logits. */
  readonly teacher: ModelOutput;
  /** Each teacher's output, where there are several. */
  readonly teachers?: readonly ModelOutput[];
}

/** Logits of pixels or regions of both models' maps, [N, H, W, classes]. */
export interface ClassMaps {
  readonly student: Tensor4D;
  readonly teacher: Tensor4D;
}

/** The step that random inputs depend on, so that resuming repeats them. */
export interface DrawnStep {
  readonly seed: number;
  /** From 1. */
  readonly epoch: number;
  /** From 1, within the epoch. */
  readonly step: number;
  /** [N], see StepContext.image. */
  readonly image: Int32Array;
}

/** A method's random inputs by name, made on the host for every step. */
export interface Draws {
  /** Shapes for a step of N images. */
  specs(images: number): Readonly<Record<string, DrawSpec>>;
  /** Values of a step in C order; a pure function of its argument (common/random.ts). */
  values(step: DrawnStep): Readonly<Record<string, Float32Array | Int32Array>>;
}

export interface DrawSpec {
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32";
}

export interface Distillation<Term extends string = string> {
  /**
   * The method's own loss: scalars by name, logged, their sum weighted with beta; 0 if omitted.
   * @param context collects updates without gradients: running statistics (layers add them), memory banks
   * (`context.updates.push(rowsUpdate(bank, at.image, rows))`; all reads of a step see the old value)
   */
  terms(at: StepContext, context: ForwardContext): Readonly<Partial<Record<Term, Scalar>>>;
  readonly draws?: Draws;
  /** Models among its own tensors, which are saved and evaluated by themselves at the end of a run. */
  readonly peers?: readonly Model[];
  /** Notices on this pair at the start of training. */
  readonly notices?: readonly string[];
  /** Phases before the main part, which starts with a fresh optimizer and schedule. */
  readonly phases?: readonly Phase<Term>[];
  /** Terms of the main part; by default those of no phase. */
  readonly mainTerms?: readonly Term[];
  /** The evaluated logits [N, classes], if not the student's. @param student its output in evaluation mode */
  evaluated?(student: ModelOutput, context: ForwardContext): Tensor2D;
  /** Layers after the student's last stage, which become part of it; their output is StepContext.student.inserted. */
  readonly insertion?: Insertion;
  /** A transform of both models' logits [N, classes] before cross entropy and KL divergence. */
  logits?(logits: Tensor2D): Tensor2D;
  /** Parameters removed from the student: they stay zero. */
  readonly removed?: readonly Variable[];
  /** Parameter groups, of the student's parameters as well. */
  readonly groups?: readonly ParameterGroup[];
  /** Own parameters that train only in phases. */
  readonly learnBefore?: readonly Variable[];
  /** Changes to SGD with momentum, in all phases. */
  readonly optimizer?: OptimizerTraits;
}

export interface OptimizerTraits {
  /** A step is g + momentum * v, with the new momentum buffer v. */
  readonly nesterov?: boolean;
  /** A momentum buffer for each part of the loss; a step sums them. */
  readonly momenta?: readonly MomentumPart[];
}

/** A part of the loss with a momentum buffer of its own. */
export interface MomentumPart {
  /** Terms, "ce" among them; by default all that no other part names. */
  readonly terms?: readonly string[];
  /** Added to the run's momentum. */
  readonly difference: number;
  /** Whether weight decay acts in it, on parameters that the parts before it have moved. */
  readonly decays?: boolean;
}

export interface Phase<Term extends string = string> {
  /** Of the run's --epochs. */
  readonly epochs: number;
  readonly terms: readonly Term[];
  /** Constant; by default the run's initial one. */
  readonly learningRate?: number;
  /** Whether the next part keeps its optimizer state, and the schedule starts at its first epoch. */
  readonly continues?: boolean;
  /** Trained parameters; by default those of the main part. */
  readonly learns?: readonly Variable[];
  /** Running means of the student's batch normalisations in evaluation mode; none by default. */
  readonly inEvaluation?: readonly Variable[];
  /** Its whole loss, an unweighted sum; by default the main part's, of its own terms only `terms`. */
  loss?(at: StepContext, context: ForwardContext): Readonly<Partial<Record<Term, Scalar>>>;
}

export interface ParameterGroup {
  readonly parameters: readonly Variable[];
  /** Factor of the learning rate; 1 by default. */
  readonly learningRateFactor?: number;
  /** Replaces --weight_decay. */
  readonly weightDecay?: number;
}

/** Published settings for some pairs, where they differ from the row's. */
export interface PublishedSetting<Options extends Rows = Rows> {
  /** TEACHER-STUDENT, as in configs/pairs. */
  readonly pairs: readonly string[];
  readonly weights?: Partial<LossWeights>;
  readonly options?: Partial<RowValues<Options>>;
  /** Values of other options of the run, before the row's. */
  readonly defaults?: Readonly<Record<string, OptionValue>>;
}

type OptionValue = string | number | boolean | readonly number[];

export interface Publication<Options extends Rows = Rows> {
  /** Authors, title, place, and the year at the end. */
  readonly paper: string;
  /** GitHub's OWNER/REPOSITORY, and the commit. */
  readonly code: string;
  /** Its own loss in one line; f maps, p pooled vector, z logits, s and t student and teacher. */
  readonly formula: string;
  /** Sentences on pitfalls, for docs/methods.md. */
  readonly traps?: readonly string[];
  /** Files in test/golden; by default methods/GROUP/NAME.json (published.ts). */
  readonly golden?: readonly string[];
  readonly weights: LossWeights;
  /** Published for particular pairs; defaults for those. */
  readonly published?: readonly PublishedSetting<Options>[];
  /** Published values of other options of the run; defaults. */
  readonly defaults?: Readonly<Record<string, OptionValue>>;
  /** Defaults of its own options that the authors' code derives from student and learning rate. */
  readonly ofStudent?: (run: {
    readonly student: string;
    readonly learningRate: number;
  }) => Partial<RowValues<Options>>;
}

/** A method's options published under their own name; other fields default to the method's, except pairs' settings. */
export interface Variant<Options extends Rows = Rows> extends Publication<Options> {
  readonly name: string;
  /** The option values that identify it. */
  readonly set: Readonly<Record<string, OptionValue>>;
}

/** A distillation method: a file in methods/GROUP and a row in the registry. */
export interface Method<Options extends Rows = Rows, Term extends string = string> extends Publication<Options> {
  /** The paper's spelling. */
  readonly name: string;
  readonly summary: string;
  /** Its own options, in help, run folders, sweeps and reports. */
  readonly options: Options;
  readonly variants?: readonly Variant<Options>[];
  /** Its own terms in logging order. */
  readonly terms: readonly Term[];
  /** Factors of terms besides beta; 1 by default. */
  readonly termWeights?: Readonly<Partial<Record<Term, number>>>;
  /** Views of the teacher that its own terms use. */
  sees(options: RowValues<Options>): readonly TeacherView[];
  /** Whether it needs no teacher: it sees none, and its runs have none unless --alpha compares with one. */
  readonly teacherFree?: true;
  /** In training mode batch normalisations use batch statistics, and running statistics are updated and saved. */
  readonly teacherMode?: "training";
  /** Whether its terms look at each of several teachers; otherwise they see the mean of the logits alone. */
  readonly eachTeacher?: true;
  /** drop_last. */
  readonly shortBatches?: "left out";
  /** Smallest batch, if its terms compare images; 1 by default. */
  readonly leastImages?: number;
  /**
   * Whether steps have a strong view (data/strong/strongView.ts), StepContext.strong: the student runs on it after the
   * weak one and updates its running statistics twice; cross entropy sums both views'.
   */
  readonly strongView?: true;
  /**
   * Whether StepContext.strong instead has the student's outputs for another image of the class (data/classView.ts), on
   * which it runs second, without cross entropy.
   */
  readonly classView?: true;
  /** Its terms from class maps alone, where golden files of such methods begin. */
  ofClassMaps?(maps: ClassMaps, at: StepContext, options: RowValues<Options>): Readonly<Partial<Record<Term, Scalar>>>;
  /**
   * Builds the additions.
   * @param make gets tensors by name in checkpoints
   * @throws inputError where it does not fit the pair
   */
  build(pair: Pair, options: RowValues<Options>, make: ModelBuilder): Distillation<Term>;
}

const TAKEN: ReadonlySet<string> = new Set(["ce", "kl", "loss", "top1", "top5"]);

/** Types a row for the registry. @throws Error for a reserved term (a defect of the row) */
export function defineMethod<const Term extends string, Options extends Rows>(row: Method<Options, Term>): Method {
  const taken = row.terms.find((term) => TAKEN.has(term) || !/^[a-z]\w*$/.test(term));
  if (taken !== undefined) throw new Error(`${row.name} cannot name a term ${taken}.`);
  return row;
}
