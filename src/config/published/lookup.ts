import { ALONE, PUBLISHED_TABLES, type Source } from "./figures.js";

/** A published accuracy. */
export interface PublishedFigure {
  /** Test top-1 in percent. */
  readonly top1: number;
  readonly source: Source;
  /** Epochs that the published runs have. */
  readonly epochs: number;
}

/** The data set of tables that name none. */
const FIRST_DATASET = "cifar100";

/** Epochs of the published runs of each data set: CRD's protocol, and torchvision's as the paper has it. */
const EPOCHS: Readonly<Record<string, number>> = { cifar100: 240, imagenet: 100 };

const figure = (top1: number, source: Source, dataset: string): PublishedFigure => ({
  ...{ top1, source },
  epochs: EPOCHS[dataset] as number,
});

/**
 * What was published for a pair, by the name of method or variant.
 * @param pair TEACHER-STUDENT; of any other text there is nothing
 * @param dataset what it was trained on; every data set if left out, as no pair has figures of two
 */
export function figuresOf(pair: string, dataset?: string): ReadonlyMap<string, PublishedFigure> {
  const tables = PUBLISHED_TABLES.filter(
    (table) => dataset === undefined || (table.dataset ?? FIRST_DATASET) === dataset,
  );
  const found = tables.flatMap(({ source, pairs, top1, dataset: of = FIRST_DATASET }) => {
    const at = pairs.indexOf(pair);
    return Object.entries(top1).flatMap(([name, figures]): [string, PublishedFigure][] => {
      const percent = figures[at];
      return percent === undefined ? [] : [[name, figure(percent, source, of)]];
    });
  });
  return new Map(found);
}

/**
 * What was published of a model that learned from labels alone; undefined for a name that is not there.
 * @param of the data set; every one if left out
 */
export function figureAlone(model: string, of?: string): PublishedFigure | undefined {
  const table = ALONE.find(
    ({ top1, dataset }) => Object.hasOwn(top1, model) && (of === undefined || dataset === of),
  );
  const top1 = table?.top1[model];
  if (table === undefined || top1 === undefined) return undefined;
  return figure(top1, table.source, table.dataset);
}
