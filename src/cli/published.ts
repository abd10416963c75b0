import { type Published, publishedFor } from "../config/file.js";
import type { RunRecord } from "../report/runRecord.js";
import type { PublishedTop1 } from "../report/summarize.js";

/** The presets know a teacher's accuracy by its pair, so a student among the runs leads to it. */
export function publishedOf(runs: readonly RunRecord[]): PublishedTop1 {
  const students = new Map(runs.map((run) => [run.teacher, run.model]));
  return ({ kind, model, teacher = "", method = "" }) => {
    const student = students.get(model);
    if (kind === "distill") return publishedFor(teacher, model)?.[method as keyof Published];
    return student === undefined ? undefined : publishedFor(model, student)?.teacher;
  };
}
