import {
  ALONE,
  type AloneTable,
  type Exception,
  type Protocol,
  PUBLISHED_TABLES,
  type PublishedTable,
  type Source,
} from "./figures.js";

export interface PublishedFigure {
  /** Test top-1 in percent. */
  readonly top1: number;
  readonly source: Source;
  readonly counted: Protocol["counted"];
  /** "unknown" if not stated. */
  readonly settings: Omit<Protocol, "counted">;
  /** In percent; undefined without a teacher, or if unknown. */
  readonly teacherTop1?: number | undefined;
}

const FIRST_DATASET = "cifar100";

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

/** Figures by method or variant of a pair TEACHER-STUDENT, of all data sets by default. */
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

/** Published figure of a model trained on labels, or undefined. @param of the data set; all by default */
export function figureAlone(model: string, of?: string): PublishedFigure | undefined {
  const table = ALONE.find(({ top1, dataset }) => Object.hasOwn(top1, model) && (of === undefined || dataset === of));
  const top1 = table?.top1[model];
  if (table === undefined || top1 === undefined) return undefined;
  return figure(table, top1, { student: model });
}
