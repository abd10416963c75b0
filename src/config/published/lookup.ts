import { ALONE, PUBLISHED_TABLES, type Source } from "./figures.js";

/** A published accuracy. */
export interface PublishedFigure {
  /** Test top-1 in percent. */
  readonly top1: number;
  readonly source: Source;
}

/**
 * What was published for a pair, by the name of method or variant.
 * @param pair TEACHER-STUDENT; of any other text there is nothing
 */
export function figuresOf(pair: string): ReadonlyMap<string, PublishedFigure> {
  const found = PUBLISHED_TABLES.flatMap(({ source, pairs, top1 }) => {
    const at = pairs.indexOf(pair);
    return Object.entries(top1).flatMap(([name, figures]): [string, PublishedFigure][] => {
      const figure = figures[at];
      return figure === undefined ? [] : [[name, { top1: figure, source }]];
    });
  });
  return new Map(found);
}

/** What was published of a model that learned from labels alone; undefined for a name that is not there. */
export function figureAlone(model: string): PublishedFigure | undefined {
  const top1 = Object.hasOwn(ALONE, model) ? ALONE[model] : undefined;
  return top1 === undefined ? undefined : { top1, source: "RepDistiller" };
}
