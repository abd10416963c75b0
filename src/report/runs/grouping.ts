import { basename, dirname, join } from "node:path";
import { cleanLine, grouped } from "../../common/text.js";
import { isTold, partsExperiments, touchesOf } from "../../config/policy.js";
import { identitySchema, identitySettings } from "../../runFiles/identity.js";
import type { RunRecord } from "./runRecord.js";

export type Setting = string | number | boolean | readonly (string | number)[];

/** Longer ones, which no option needs, are cut. */
const LONGEST_SETTING = 100;

/** A setting as text: one line, lists with commas, as they are typed. */
export function formatSetting(value: Setting | undefined): string {
  if (value === undefined) return "-";
  const text = cleanLine(Array.isArray(value) ? value.join(",") : String(value));
  return text.length <= LONGEST_SETTING ? text : `${text.slice(0, LONGEST_SETTING - 3)}...`;
}

/** Runs that differ in their trial only. */
export interface RunGroup {
  readonly runs: readonly RunRecord[];
  /** Every setting that belongs to the experiment, besides models, method and weights. */
  readonly settings: Readonly<Record<string, Setting>>;
  /** Those in which it differs from another experiment of the same models, method and weights. */
  readonly differs: Readonly<Record<string, Setting>>;
}

/** The same file, however its folder is spelled: its own folder and name. */
const shortPath = (path: string) => join(basename(dirname(path)), basename(path));

const settingsOfRuns = new WeakMap<RunRecord, Readonly<Record<string, Setting>>>();

/** A run's settings, worked out once: a report asks for them three times. */
function settingsOf(run: RunRecord): Readonly<Record<string, Setting>> {
  const settings = settingsOfRuns.get(run) ?? readSettings(run);
  settingsOfRuns.set(run, settings);
  return settings;
}

/** Inputs are compared by content if recorded, else by path. */
function readSettings(run: RunRecord): Record<string, Setting> {
  const { data: identity } = identitySchema.safeParse(run.config.identity);
  const entries = Object.entries(run.config).flatMap(([key, value]) => {
    const plain = ["string", "number", "boolean"].includes(typeof value) || Array.isArray(value);
    if (!plain || !isTold(value) || IN_THE_LINE.has(key) || !partsExperiments(key)) return [];
    const isFile = touchesOf(key) === "input";
    if (isFile && identity !== undefined) return [];
    return [[key, isFile ? shortPath(String(value)) : (value as Setting)] as const];
  });
  const settings = { ...Object.fromEntries(entries), ...(identity && identitySettings(identity)) };
  // Trials of a later generation have teachers of their own, the same trials of the one before.
  const { teacher_weights: _, ...ofGeneration } = settings;
  return Number(settings.generation ?? 1) > 1 ? ofGeneration : settings;
}

/** The three weights of the loss, as far as the run has them; of a sum of methods as 0.8+1. */
export function weightsOf({ config }: RunRecord): Partial<Record<Weight, number | string>> {
  const entries = WEIGHTS.flatMap((name): [Weight, number | string][] => {
    const value = config[name];
    if (Array.isArray(value)) return [[name, value.join("+")]];
    return typeof value === "number" ? [[name, value]] : [];
  });
  return Object.fromEntries(entries);
}

export const WEIGHTS = ["gamma", "alpha", "beta"] as const;
export type Weight = (typeof WEIGHTS)[number];

const sorted = (record: Readonly<Record<string, unknown>>) =>
  Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));

/** Items of equal keys together, in the order of their first. @param key anything that JSON can hold */
export const groupBy = <T>(items: readonly T[], key: (item: T) => unknown): T[][] => [
  ...grouped(items, (item) => JSON.stringify(key(item))).values(),
];

/** Pair, method and weights: what the paper's tables have a line for. */
const lineOf = (run: RunRecord) => [run.kind, run.teacher, run.model, run.method, weightsOf(run)];

/** Keys of config.json behind such a line. */
export const IN_THE_LINE: ReadonlySet<string> = new Set(["kind", "model", "model_s", "model_t", "distill", ...WEIGHTS]);

/** A run that is skipped, since its trial of the experiment counts already. */
export interface Repeat {
  readonly run: RunRecord;
  /** The run that counts. */
  readonly of: RunRecord;
  /** Whether it ended with the same weights, as a rerun or a copied folder does. */
  readonly sameWeights: boolean;
}

const weightsSha256Of = ({ result }: RunRecord): unknown => result?.weightsSha256;

/** Keys that only one run may have: a trial of an experiment, and a trial with certain final weights. */
function claimsOf(run: RunRecord): string[] {
  const trial = [...lineOf(run), run.trial];
  const weights = weightsSha256Of(run);
  return [
    JSON.stringify([...trial, sorted(settingsOf(run))]),
    ...(weights === undefined ? [] : [JSON.stringify([...trial, weights, run.rows.at(-1)?.test])]),
  ];
}

/** Finished runs before others, then the one that was written first: an original before its rerun and its copy. */
const byOrigin = (a: RunRecord, b: RunRecord): number =>
  Number(b.finished) - Number(a.finished) || a.updatedAt - b.updatedAt || (a.dir < b.dir ? -1 : 1);

/** Runs without those that repeat another: a seed trained twice, a rerun or a copied folder is one trial. */
export function withoutRepeats(runs: readonly RunRecord[]): {
  readonly runs: readonly RunRecord[];
  readonly repeats: readonly Repeat[];
} {
  const claimed = new Map<string, RunRecord>();
  const repeats = new Map<RunRecord, Repeat>();
  for (const run of [...runs].sort(byOrigin)) {
    const claims = claimsOf(run);
    const of = claims.map((claim) => claimed.get(claim)).find((other) => other !== undefined);
    for (const claim of claims) claimed.set(claim, claimed.get(claim) ?? run);
    if (of === undefined) continue;
    const weights = weightsSha256Of(run);
    const sameWeights = weights !== undefined && weights === weightsSha256Of(of);
    repeats.set(run, { run, of, sameWeights });
  }
  return { runs: runs.filter((run) => !repeats.has(run)), repeats: [...repeats.values()] };
}

function withDifferences(groups: readonly RunRecord[][]): RunGroup[] {
  const settings = groups.map(([first]) => (first ? settingsOf(first) : {}));
  const keys = [...new Set(settings.flatMap((each) => Object.keys(each)))];
  const varying = keys.filter((key) => new Set(settings.map((each) => JSON.stringify(each[key]))).size > 1);
  return groups.map((runs, index) => {
    const own = settings[index] ?? {};
    const differs = Object.entries(own).filter(([key]) => varying.includes(key));
    return { runs, settings: own, differs: Object.fromEntries(differs) };
  });
}

/** Runs split by kernels, their only difference; those that recorded none join the others if these share one set. */
function partedByKernels(runs: readonly RunRecord[]): RunRecord[][] {
  const parts = groupBy(runs, (run) => settingsOf(run).kernels ?? "");
  const tells = ([first]: readonly RunRecord[]) => first && settingsOf(first).kernels !== undefined;
  const isOneSet = parts.filter(tells).length === 1;
  return isOneSet ? [[...parts].sort((part) => (tells(part) ? -1 : 1)).flat()] : parts;
}

/** Groups runs that differ in their trial only; unknown settings count too, so that no mean mixes two experiments. */
export function groupRuns(runs: readonly RunRecord[]): RunGroup[] {
  return groupBy(runs, lineOf).flatMap((line) =>
    withDifferences(
      groupBy(line, (run) => {
        const { kernels: _, ...others } = settingsOf(run);
        return sorted(others);
      }).flatMap(partedByKernels),
    ),
  );
}
