import type { Learner } from "../learn/learner.js";
import type { Variable } from "../runtime/tf.js";
import type { BatchSource } from "./feeds/batchSource.js";
import type { TeacherCache } from "./teacherCache/open.js";

/** What is particular to one kind of run. */
export interface RunPlan {
  readonly kind: "distill" | "teacher";
  readonly title: string;
  /** The loss with its weights, for people. */
  readonly loss?: string;
  readonly runDir: string;
  readonly learner: Learner;
  /** Variables that steps read and nothing changes. */
  readonly constants: readonly Variable[];
  /** Of the teacher's weights, for a student. */
  readonly teacherSha256?: string;
  /** For how many steps at once the teacher looks at images; 1 where left out. */
  readonly ahead?: number;
  /** What is done with the test images before the first step of a run that starts anew. */
  readonly beforeFirstStep?: (test: BatchSource) => Promise<void>;
  /** Opens the cache of the teacher's outputs; undefined where it is of no use. */
  readonly openCache?: () => Promise<TeacherCache | undefined>;
}
