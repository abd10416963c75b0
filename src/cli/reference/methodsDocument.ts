import { SOURCES } from "../../config/published/figures.js";
import type { PublishedFigure } from "../../config/published/lookup.js";
import type { Procedure } from "../../distill/procedures.js";
import { goldenOf, yearOf } from "../../distill/published.js";
import type { MethodSurvey } from "../../learn/methodSurvey.js";
import type { CacheDemand } from "../../train/teacherCache/demand.js";

/** A method or variant with what follows from the pair. */
export interface Surveyed extends MethodSurvey {
  readonly procedure: Procedure;
  /** What was published of it for the pair. */
  readonly figure: PublishedFigure | undefined;
  readonly cache: CacheDemand;
}

const isVariant = ({ procedure: { name, method } }: Surveyed): boolean => name !== method.name;

const top1Document = ({ top1, source, counted, settings, teacherTop1 }: PublishedFigure) => ({
  ...{ top1, source, url: SOURCES[source], epochs: settings.epochs, counted },
  ...{ settings, teacherTop1: teacherTop1 ?? null },
});

/** What was published of a method or variant, and what a pair has of it. */
function published({ procedure, setting, figure }: Surveyed) {
  const { name, paper, code, formula, traps = [] } = procedure;
  const { weights, defaults = {}, published: pairs = [] } = procedure;
  return {
    ...{ name, paper, year: yearOf(procedure), code, formula, traps },
    published: { weights, defaults, pairs },
    setting: { weights: setting.weights, options: setting.options },
    top1: figure === undefined ? null : top1Document(figure),
    golden: goldenOf(procedure),
  };
}

function methodDocument(surveyed: Surveyed, variants: readonly Surveyed[]) {
  const { procedure, sees, cache, added } = surveyed;
  const { summary, options } = procedure;
  const fits = typeof added !== "string";
  return {
    ...published(surveyed),
    ...{ summary, sees, cacheable: cache.isKept, cacheBytes: cache.bytes ?? null },
    adds: fits ? { parameters: added.parameters, buffered: added.buffered } : null,
    doesNotFit: fits ? null : added,
    phases: fits ? added.phases : [],
    options: Object.entries(options).map(([option, { help, fallback }]) => {
      return { name: option, help, default: fallback ?? null };
    }),
    variants: variants.map((one) => ({ ...published(one), set: one.procedure.set })),
  };
}

/** `pefd methods --json`: every method, its variants inside it. */
export const methodsDocument = (surveys: readonly Surveyed[]) =>
  surveys
    .filter((one) => !isVariant(one))
    .map((one) => {
      const { method } = one.procedure;
      const variants = surveys.filter((other) => other.procedure.method.name === method.name);
      return methodDocument(one, variants.filter(isVariant));
    });
