import { grouped } from "../common/text.js";
import { figureAlone, figuresOf, type PublishedFigure } from "../config/published/lookup.js";
import { CIFAR100 } from "../data/cifar/row.js";
import type { RunRecord } from "../report/runs/runRecord.js";

/** The published figure of a run's pair and method (recorded under any name), or of a model trained on labels only. */
export function publishedOf({ kind, model, teacher, method = "", config }: RunRecord): PublishedFigure | undefined {
  // Old runs recorded no data set.
  const { dataset = CIFAR100.name, image_size } = config;
  if (typeof image_size === "number") return undefined;
  if (kind === "teacher") return figureAlone(model, String(dataset));
  return figuresOf(`${teacher}-${model}`, String(dataset)).get(method);
}

/** Each paper below the names of what is from it. */
export const papers = (rows: readonly { readonly name: string; readonly paper: string }[]): string[] =>
  [...grouped(rows, ({ paper }) => paper)].map(
    ([paper, those]) => `${those.map(({ name }) => name).join(", ")}:\n  ${paper}`,
  );
