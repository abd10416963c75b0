import { median } from "../../common/median.js";
import type { PublishedFigure } from "../../config/published/lookup.js";
import {
  formatSetting,
  groupRuns,
  type Repeat,
  type RunGroup,
  type Setting,
  type Weight,
  weightsOf,
  withoutRepeats,
} from "./grouping.js";
import { bestOf, type RunRecord, secondsOf } from "./runRecord.js";
import { mean, type Spread, spread } from "./statistics.js";

/** Gives the accuracy published for a run's experiment, where there is one. */
export type Published = (run: RunRecord) => PublishedFigure | undefined;

/** One line of the report: an experiment over its trials. */
export interface Summary extends Pick<RunRecord, "kind" | "model" | "teacher" | "method"> {
  readonly weights: Partial<Record<Weight, number | string>>;
  readonly differs: Readonly<Record<string, Setting>>;
  readonly settings: Readonly<Record<string, Setting>>;
  /** Finished runs; only they count in the figures below. */
  readonly n: number;
  readonly unfinished: number;
  /** Test top-1 (percent) after the last epoch. */
  readonly last: Spread | undefined;
  /** Test top-1 (percent) of the best epoch of each run. */
  readonly best: Spread | undefined;
  readonly published: PublishedFigure | undefined;
  /** Differences from the published runs, a clause for each; none where nothing was published. */
  readonly departures: readonly string[];
  /** Whether the runs did what the published ones did, as far as both say. */
  readonly comparable: boolean;
  readonly secondsPerRun: number | undefined;
  /** Milliseconds of a step: the mean over finished runs of the median over their epochs. */
  readonly msPerStep: number | undefined;
  /** All runs of the experiment by trial, unfinished ones too. */
  readonly runs: readonly RunRecord[];
  readonly repeats: readonly Repeat[];
  /** Number of its color: of the method, and of which of the method's experiments of a pair it is. */
  readonly tone: number;
}

function settingClause(name: string, own: Setting, published: Setting): string {
  const [is, was] = [formatSetting(own), formatSetting(published)];
  return name === "epochs" ? `${is} epochs, published with ${was}` : `${name} ${is}, published with ${was}`;
}

/** Settings that change a data set's images, and their names in messages. */
const OTHER_IMAGES: readonly (readonly [setting: string, clause: string])[] = [
  ["limit_train", "fewer training images"],
  ["limit_test", "fewer test images"],
  ["left_out", "images skipped"],
  ["reencoded", "re-encoded images"],
];

/** Points by which the same teacher's accuracy may differ: kernels round in their own ways. */
const SAME_TEACHER = 0.1;

function teacherClauses(runs: readonly RunRecord[], published = Number.NaN): string[] {
  const own = runs.map(({ result }) => Number(result?.teacherTop1)).find((top1) => !Number.isNaN(top1)) ?? Number.NaN;
  const differs = Math.abs(own - published) > SAME_TEACHER;
  return differs ? [`teacher of ${own.toFixed(2)} %, published with ${published.toFixed(2)} %`] : [];
}

/** Differences from the published runs, in images and in options that both state (an old run may lack some). */
function departuresFrom({ settings: published, teacherTop1 }: PublishedFigure, { settings, runs }: RunGroup): string[] {
  const stated = Object.entries(published) as [string, Setting][];
  const unknown = stated.filter(([, value]) => value === "unknown").map(([name]) => name);
  return [
    ...stated.flatMap(([name, value]) => {
      const own = settings[name];
      if (own === undefined || value === "unknown") return [];
      return formatSetting(own) === formatSetting(value) ? [] : [settingClause(name, own, value)];
    }),
    ...teacherClauses(runs, teacherTop1),
    ...(Number(settings.generation ?? 1) > 1 ? ["a later generation"] : []),
    ...(unknown.length > 0 ? [`not known of the published runs: ${unknown.join(", ")}`] : []),
    ...OTHER_IMAGES.flatMap(([name, clause]) => (settings[name] === undefined ? [] : [clause])),
  ];
}

const lastTop1 = (run: RunRecord): number => run.rows.at(-1)?.test.top1 ?? Number.NaN;

/** The median, so that the first epoch, which compiles, does not count more than any. */
const stepMsOf = ({ rows }: RunRecord): number => median(rows.map(({ stepMs }) => stepMs));

type Untoned = Omit<Summary, "tone">;

function summarizeGroup(group: RunGroup, first: RunRecord, published: Published, repeats: readonly Repeat[]): Untoned {
  const finished = group.runs.filter((run) => run.finished);
  const { kind, model, teacher, method } = first;
  const figure = published(first);
  const departures = figure === undefined ? [] : departuresFrom(figure, group);
  return {
    kind,
    model,
    teacher,
    method,
    weights: weightsOf(first),
    differs: group.differs,
    settings: group.settings,
    n: finished.length,
    unfinished: group.runs.length - finished.length,
    last: spread(finished.map(lastTop1)),
    best: spread(finished.map((run) => bestOf(run)?.top1 ?? Number.NaN)),
    published: figure,
    departures,
    comparable: figure !== undefined && departures.length === 0,
    secondsPerRun: finished.length > 0 ? mean(finished.map(secondsOf)) : undefined,
    msPerStep: finished.length > 0 ? mean(finished.map(stepMsOf)) : undefined,
    runs: [...group.runs].sort((a, b) => a.trial - b.trial),
    repeats: repeats.filter(({ of }) => group.runs.includes(of)),
  };
}

const natural = new Intl.Collator("en", { numeric: true });

/** By the first setting that distinguishes them: numbers by size, anything else as people sort names. */
function compareDiffers({ differs: a }: Untoned, { differs: b }: Untoned): number {
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const [x, y] = [a[key], b[key]];
    const numbers = typeof x === "number" && typeof y === "number";
    const order = numbers ? x - y : natural.compare(formatSetting(x), formatSetting(y));
    if (order !== 0) return order;
  }
  return 0;
}

/** Teachers first, then by pair, method, weights (in the runs' order) and by what else differs. */
function order(summaries: readonly Untoned[]): Untoned[] {
  const rank = ({ kind }: Untoned) => (kind === "teacher" ? 0 : 1);
  const line = ({ teacher, model, method, weights }: Untoned) => JSON.stringify([teacher, model, method, weights]);
  const lines = [...new Set(summaries.map(line))];
  return [...summaries].sort(
    (a, b) => rank(a) - rank(b) || lines.indexOf(line(a)) - lines.indexOf(line(b)) || compareDiffers(a, b),
  );
}

function toned(summaries: readonly Untoned[]): Summary[] {
  const keys = summaries.map(({ kind, teacher, model, method }, at) => {
    const isAlike = (other: Untoned) =>
      other.kind === kind && other.teacher === teacher && other.model === model && other.method === method;
    return `${method} ${summaries.slice(0, at).filter(isAlike).length}`;
  });
  const all = [...new Set(keys)];
  return summaries.map((summary, at) => ({ ...summary, tone: all.length > 1 ? all.indexOf(keys[at] as string) : at }));
}

/** One summary per experiment, teachers first; a repeat counts once. `published` gives the papers' accuracy. */
export function summarize(runs: readonly RunRecord[], published: Published = () => undefined): Summary[] {
  const { runs: counting, repeats } = withoutRepeats(runs);
  const summaries = groupRuns(counting).flatMap((group) =>
    group.runs.slice(0, 1).map((first) => summarizeGroup(group, first, published, repeats)),
  );
  return toned(order(summaries));
}
