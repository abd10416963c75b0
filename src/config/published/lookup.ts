import {
  ALONE,
  type AloneTable,
  type Exception,
  type Protocol,
  PUBLISHED_TABLES,
  type PublishedTable,
  type Source,
} from "./figures.js";

/** A published accuracy. */
export interface PublishedFigure {
  /** Test top-1 in percent. */
  readonly top1: number;
  readonly source: Source;
  /** The epoch that it is of. */
  readonly counted: Protocol["counted"];
  /** Training settings of the published runs: options by name, "unknown" if not stated. */
  readonly settings: Omit<Protocol, "counted">;
  /** Test top-1 of the published runs' teacher, in percent; undefined without one, and where it is not known. */
  readonly teacherTop1?: number | undefined;
}

/** The data set of tables that name none. */
const FIRST_DATASET = "cifar100";

/** Training settings of a figure. */
function figure(
  { source, protocol, exceptions = [] }: PublishedTable | AloneTable,
  top1: number,
  of: { readonly method?: string; readonly student: string; readonly pair?: string },
): PublishedFigure {
  const meets = (names: readonly string[] | undefined, name = "") => names === undefined || names.includes(name);
  const fitting = exceptions.filter(
    ({ methods, students, pairs }: Exception) =>
      meets(methods, of.method) && meets(students, of.student) && meets(pairs, of.pair),
  );
  const own = fitting.map(({ methods: _, students: _s, pairs: _p, ...values }) => values);
  const { counted, ...settings }: Protocol = Object.assign({ ...protocol }, ...own);
  return { top1, source, counted, settings };
}

/**
 * Published figures of a pair, by method or variant.
 * @param pair TEACHER-STUDENT; of any other text there is nothing
 * @param dataset what it was trained on; every data set by default, as no pair has figures of two
 */
export function figuresOf(pair: string, dataset?: string): ReadonlyMap<string, PublishedFigure> {
  const tables = PUBLISHED_TABLES.filter(
    (table) => dataset === undefined || (table.dataset ?? FIRST_DATASET) === dataset,
  );
  const [teacher = "", student = ""] = pair.split("-");
  const found = tables.flatMap((table) => {
    const at = table.pairs.indexOf(pair);
    const teacherTop1 = figureAlone(teacher, table.dataset ?? FIRST_DATASET)?.top1;
    return Object.entries(table.top1).flatMap(([method, figures]): [string, PublishedFigure][] => {
      const percent = figures[at];
      if (percent === undefined) return [];
      return [[method, { ...figure(table, percent, { method, student, pair }), teacherTop1 }]];
    });
  });
  return new Map(found);
}

/**
 * Published figure of a model trained on labels; undefined if there is none.
 * @param of the data set; every one by default
 */
export function figureAlone(model: string, of?: string): PublishedFigure | undefined {
  const table = ALONE.find(({ top1, dataset }) => Object.hasOwn(top1, model) && (of === undefined || dataset === of));
  const top1 = table?.top1[model];
  if (table === undefined || top1 === undefined) return undefined;
  return figure(table, top1, { student: model });
}
