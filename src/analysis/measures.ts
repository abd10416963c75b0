import { grouped } from "../common/text.js";
import { addScaled, centered, dot, type Matrix, norm, type Outputs, rowAt, zeros } from "./outputs.js";

/** cos(a, b) = a.b / (|a| |b|); 0 where one of them is all zeros and has no direction. */
export function cosine(a: Float64Array, b: Float64Array): number {
  const lengths = norm(a) * norm(b);
  return lengths === 0 ? 0 : dot(a, b) / lengths;
}

/**
 * Mean direction alignment 1/N sum_i cos(s_i, t_i) of student (projected) and teacher features, both [N, D] (PEFD,
 * NeurIPS 2022). On the training images it is 1 minus the loss of `ours`.
 * @returns undefined where the sizes of the features differ
 */
export function meanDirectionAlignment(student: Matrix, teacher: Matrix): number | undefined {
  if (student.columns !== teacher.columns) return undefined;
  let sum = 0;
  for (let i = 0; i < student.rows; i++) sum += cosine(rowAt(student, i), rowAt(teacher, i));
  return sum / student.rows;
}

/** Mean features [classes, D] of every class that occurs, in the order of the labels, of features [N, D]. */
export function classMeans(features: Matrix, labels: ArrayLike<number>): Matrix {
  const members = grouped(Array(features.rows).keys(), (i) => labels[i] as number);
  const classes = [...members.keys()].sort((a, b) => a - b);
  const means = zeros(classes.length, features.columns);
  for (const [row, label] of classes.entries()) {
    const samples = members.get(label) ?? [];
    for (const i of samples) addScaled(rowAt(means, row), 1 / samples.length, rowAt(features, i));
  }
  return means;
}

/**
 * Between-class cosine similarity: the mean of cos(m_a, m_b) over all pairs of classes a < b that occur, m_c the mean
 * of features [N, D] of class c (PEFD, NeurIPS 2022). Lower is more discriminative.
 * @returns undefined with fewer than two classes
 */
export function betweenClassCosine(features: Matrix, labels: ArrayLike<number>): number | undefined {
  const means = classMeans(features, labels);
  if (means.rows < 2) return undefined;
  let sum = 0;
  for (let a = 0; a < means.rows; a++) {
    for (let b = a + 1; b < means.rows; b++) sum += cosine(rowAt(means, a), rowAt(means, b));
  }
  return sum / ((means.rows * (means.rows - 1)) / 2);
}

/** |X' Y|_F, the Frobenius norm of a [X.columns, Y.columns] matrix. */
function crossNorm(x: Matrix, y: Matrix): number {
  const product = zeros(x.columns, y.columns);
  for (let i = 0; i < x.rows; i++) {
    const row = rowAt(y, i);
    for (const [j, value] of rowAt(x, i).entries()) addScaled(rowAt(product, j), value, row);
  }
  return norm(product.values);
}

/**
 * Linear centered kernel alignment (Kornblith et al., ICML 2019, section 3) of features [N, D1] and [N, D2] of the same
 * samples: |X' Y|_F^2 / (|X' X|_F |Y' Y|_F), X and Y centered by column; 1 where one is the other rotated and scaled.
 * @returns undefined where one of them is the same for all samples
 */
export function linearCka(first: Matrix, second: Matrix): number | undefined {
  const x = centered(first);
  const y = centered(second);
  const scale = crossNorm(x, x) * crossNorm(y, y);
  return scale === 0 ? undefined : crossNorm(x, y) ** 2 / scale;
}

/** Mean L2 norm of the samples' features: 1/N sum_i |f_i|. @param features [N, D] */
export function meanNorm(features: Matrix): number {
  let sum = 0;
  for (let i = 0; i < features.rows; i++) sum += norm(rowAt(features, i));
  return sum / features.rows;
}

/** Percentage of elements that are exactly 0, as a ReLU leaves them. @param features [N, D] */
export function zeroPercentage(features: Matrix): number {
  const count = features.values.reduce((sum, value) => sum + (value === 0 ? 1 : 0), 0);
  return (100 * count) / features.values.length;
}

/** Percentage of positions where two lists hold the same class: top-1 accuracy, or agreement of two models. */
export function matchPercentage(first: ArrayLike<number>, second: ArrayLike<number>): number {
  let same = 0;
  for (let i = 0; i < first.length; i++) same += first[i] === second[i] ? 1 : 0;
  return (100 * same) / first.length;
}

export interface Pair {
  readonly student: Outputs;
  readonly teacher: Outputs;
  /** The student's features through the projectors, [N, D of the teacher]; undefined without projectors. */
  readonly projected: Matrix | undefined;
  /** [N] */
  readonly labels: ArrayLike<number>;
}

/** Subject of a measure; it determines the color in plots. */
export type About = "student" | "teacher" | "projected" | "both";

export interface Measure {
  /** Name in CSV and JSON. */
  readonly key: string;
  /** Column of the table. */
  readonly title: string;
  readonly panel: string;
  readonly about: About;
  readonly digits: number;
  /** Undefined where it does not exist for the pair. */
  of(pair: Pair): number | undefined;
}

type Panel = Pick<Measure, "panel" | "digits">;

const MDA: Panel = { panel: "Direction alignment (MDA)", digits: 4 };
const BETWEEN: Panel = { panel: "Between-class cosine", digits: 4 };
const CKA: Panel = { panel: "Linear CKA with the teacher", digits: 4 };
const NORM: Panel = { panel: "Mean feature norm", digits: 3 };
const ZEROS: Panel = { panel: "Zeros among features (%)", digits: 2 };
const ACCURACY: Panel = { panel: "Top-1, agreement (%)", digits: 2 };

const row = (key: string, title: string, panel: Panel, about: About, of: Measure["of"]): Measure => {
  return { key, title, ...panel, about, of };
};

type Network = "student" | "teacher";

/** A row each for student and teacher; the star in `title` is for s or t. */
const rows = (key: string, title: string, panel: Panel, of: (pair: Pair, network: Network) => number | undefined) =>
  (["student", "teacher"] as const).map((network) =>
    row(`${key}_${network}`, title.replace("*", network.slice(0, 1)), panel, network, (pair) => of(pair, network)),
  );

/** Everything that is measured. A new measure is a row here. */
export const MEASURES: readonly Measure[] = [
  row("mda", "MDA", MDA, "student", ({ student, teacher }) =>
    meanDirectionAlignment(student.features, teacher.features),
  ),
  row(
    "mda_projected",
    "MDA proj.",
    MDA,
    "projected",
    ({ projected, teacher }) => projected && meanDirectionAlignment(projected, teacher.features),
  ),
  ...rows("between_class", "Between *", BETWEEN, (pair, network) =>
    betweenClassCosine(pair[network].features, pair.labels),
  ),
  row("cka", "CKA", CKA, "both", ({ student, teacher }) => linearCka(student.features, teacher.features)),
  ...rows("norm", "Norm *", NORM, (pair, network) => meanNorm(pair[network].features)),
  ...rows("zeros", "Zeros * %", ZEROS, (pair, network) => zeroPercentage(pair[network].features)),
  row(
    "zeros_projected",
    "Zeros proj. %",
    ZEROS,
    "projected",
    ({ projected }) => projected && zeroPercentage(projected),
  ),
  row("agreement", "Agree %", ACCURACY, "both", ({ student, teacher }) =>
    matchPercentage(student.predictions, teacher.predictions),
  ),
  ...rows("top1", "Top-1 *", ACCURACY, (pair, network) => matchPercentage(pair[network].predictions, pair.labels)),
];

/** Every measure of a pair by its key; null where it does not exist. */
export const measure = (pair: Pair): Record<string, number | null> =>
  Object.fromEntries(MEASURES.map(({ key, of }) => [key, of(pair) ?? null]));
