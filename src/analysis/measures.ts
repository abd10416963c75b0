import { linearCka } from "./centeredKernelAlignment.js";
import { betweenClassCosine, meanDirectionAlignment } from "./directions.js";
import { matchPercentage, meanNorm, zeroPercentage } from "./magnitudes.js";
import type { Matrix } from "./matrix.js";
import type { Outputs } from "./outputs.js";

/** A student and a teacher on the same images. */
export interface Pair {
  readonly student: Outputs;
  readonly teacher: Outputs;
  /** The student's features through the projectors, [N, D of the teacher]; undefined without projectors. */
  readonly projected: Matrix | undefined;
  /** [N] */
  readonly labels: ArrayLike<number>;
}

/** Whom a number tells about; it decides the colour in plots. */
export type About = "student" | "teacher" | "projected" | "both";

/** One number about a pair. */
export interface Measure {
  /** Its name in CSV and JSON. */
  readonly key: string;
  /** Its column in the table. */
  readonly title: string;
  /** The plot that it is drawn in, with others of its kind. */
  readonly panel: string;
  readonly about: About;
  readonly digits: number;
  /** Undefined where it does not exist for the pair. */
  of(pair: Pair): number | undefined;
}

const MDA = "Direction alignment (MDA)";
const BETWEEN = "Between-class cosine";
const CKA = "Linear CKA with the teacher";
const NORM = "Mean feature norm";
const ZEROS = "Zeros among features (%)";
const ACCURACY = "Top-1, agreement (%)";

/** Everything that is measured. A new measure is a row here. */
export const MEASURES: readonly Measure[] = [
  {
    ...{ key: "mda", title: "MDA", panel: MDA, about: "student", digits: 4 },
    of: ({ student, teacher }) => meanDirectionAlignment(student.features, teacher.features),
  },
  {
    ...{ key: "mda_projected", title: "MDA proj.", panel: MDA, about: "projected", digits: 4 },
    of: ({ projected, teacher }) =>
      projected && meanDirectionAlignment(projected, teacher.features),
  },
  {
    ...{ key: "between_class_student", title: "Between s", panel: BETWEEN, digits: 4 },
    about: "student",
    of: ({ student, labels }) => betweenClassCosine(student.features, labels),
  },
  {
    ...{ key: "between_class_teacher", title: "Between t", panel: BETWEEN, digits: 4 },
    about: "teacher",
    of: ({ teacher, labels }) => betweenClassCosine(teacher.features, labels),
  },
  {
    ...{ key: "cka", title: "CKA", panel: CKA, about: "both", digits: 4 },
    of: ({ student, teacher }) => linearCka(student.features, teacher.features),
  },
  {
    ...{ key: "norm_student", title: "Norm s", panel: NORM, about: "student", digits: 3 },
    of: ({ student }) => meanNorm(student.features),
  },
  {
    ...{ key: "norm_teacher", title: "Norm t", panel: NORM, about: "teacher", digits: 3 },
    of: ({ teacher }) => meanNorm(teacher.features),
  },
  {
    ...{ key: "zeros_student", title: "Zeros s %", panel: ZEROS, about: "student", digits: 2 },
    of: ({ student }) => zeroPercentage(student.features),
  },
  {
    ...{ key: "zeros_teacher", title: "Zeros t %", panel: ZEROS, about: "teacher", digits: 2 },
    of: ({ teacher }) => zeroPercentage(teacher.features),
  },
  {
    ...{ key: "zeros_projected", title: "Zeros proj. %", panel: ZEROS, digits: 2 },
    about: "projected",
    of: ({ projected }) => projected && zeroPercentage(projected),
  },
  {
    ...{ key: "agreement", title: "Agree %", panel: ACCURACY, about: "both", digits: 2 },
    of: ({ student, teacher }) => matchPercentage(student.predictions, teacher.predictions),
  },
  {
    ...{ key: "top1_student", title: "Top-1 s", panel: ACCURACY, about: "student", digits: 2 },
    of: ({ student, labels }) => matchPercentage(student.predictions, labels),
  },
  {
    ...{ key: "top1_teacher", title: "Top-1 t", panel: ACCURACY, about: "teacher", digits: 2 },
    of: ({ teacher, labels }) => matchPercentage(teacher.predictions, labels),
  },
];

/** Every measure of a pair by its key; null where it does not exist. */
export const measure = (pair: Pair): Record<string, number | null> =>
  Object.fromEntries(MEASURES.map(({ key, of }) => [key, of(pair) ?? null]));
