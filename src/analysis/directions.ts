import { addScaled, dot, type Matrix, norm, rowAt, zeros } from "./matrix.js";

/**
 * cos(a, b) = a.b / (|a| |b|). A vector of zeros has no direction: its cosine with anything is taken as 0.
 */
export function cosine(a: Float64Array, b: Float64Array): number {
  const lengths = norm(a) * norm(b);
  return lengths === 0 ? 0 : dot(a, b) / lengths;
}

/**
 * Mean direction alignment: MDA = 1/N sum_i cos(s_i, t_i), s_i the student's (projected) features of sample i and
 * t_i the teacher's; 1 where all directions agree. With the training images it is 1 minus the loss of `ours`.
 * Source: Chen et al., Improved Feature Distillation via Projector Ensemble, NeurIPS 2022.
 * @param student [N, D]
 * @param teacher [N, D]
 * @returns undefined where the sizes of the features differ, since vectors of two spaces have no cosine
 */
export function meanDirectionAlignment(student: Matrix, teacher: Matrix): number | undefined {
  if (student.columns !== teacher.columns) return undefined;
  let sum = 0;
  for (let i = 0; i < student.rows; i++) sum += cosine(rowAt(student, i), rowAt(teacher, i));
  return sum / student.rows;
}

/**
 * Mean features of every class that occurs, in the order of the labels.
 * @param features [N, D]
 * @param labels [N]
 * @returns [classes that occur, D]
 */
export function classMeans(features: Matrix, labels: ArrayLike<number>): Matrix {
  const members = new Map<number, number[]>();
  for (let i = 0; i < features.rows; i++) {
    const label = labels[i] as number;
    members.set(label, [...(members.get(label) ?? []), i]);
  }
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
 * of the features of class c. Lower is more discriminative.
 * Source: Chen et al., Improved Feature Distillation via Projector Ensemble, NeurIPS 2022.
 * @param features [N, D]
 * @param labels [N]
 * @returns undefined with fewer than two classes
 */
export function betweenClassCosine(
  features: Matrix,
  labels: ArrayLike<number>,
): number | undefined {
  const means = classMeans(features, labels);
  if (means.rows < 2) return undefined;
  let sum = 0;
  for (let a = 0; a < means.rows; a++) {
    for (let b = a + 1; b < means.rows; b++) sum += cosine(rowAt(means, a), rowAt(means, b));
  }
  return sum / ((means.rows * (means.rows - 1)) / 2);
}
