import { figureAlone, figuresOf, type PublishedFigure } from "../config/published/lookup.js";
import { CIFAR100 } from "../data/cifar/row.js";
import type { RunRecord } from "../report/runs/runRecord.js";

/**
 * The figure that was published for a run's pair and method, or for a model that learns from labels alone. A run's file
 * may call its method whatever it likes.
 */
export function publishedOf({ kind, model, teacher, method = "", config }: RunRecord): PublishedFigure | undefined {
  // Old runs recorded no data set.
  const { dataset = CIFAR100.name, image_size } = config;
  if (typeof image_size === "number") return undefined;
  if (kind === "teacher") return figureAlone(model, String(dataset));
  return figuresOf(`${teacher}-${model}`, String(dataset)).get(method);
}
