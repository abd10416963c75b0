import { publishedFor } from "../config/file.js";
import type { RunRecord } from "../report/runs/runRecord.js";
import type { PublishedTop1 } from "../report/runs/summarize.js";

/** A method's figure; a run may call its method whatever it likes. */
function figureOf(published: object | undefined, method: string): number | undefined {
  const figure = published && Object.entries(published).find(([name]) => name === method)?.[1];
  return typeof figure === "number" ? figure : undefined;
}

/** The presets know a teacher's accuracy by its pair, so a student among the runs leads to it. */
export function publishedOf(runs: readonly RunRecord[]): PublishedTop1 {
  const students = new Map(runs.map((run) => [run.teacher, run.model]));
  return ({ kind, model, teacher = "", method = "" }) => {
    const student = students.get(model);
    if (kind === "distill") return figureOf(publishedFor(teacher, model), method);
    return student === undefined ? undefined : publishedFor(model, student)?.teacher;
  };
}
