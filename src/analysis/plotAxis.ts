import { basename } from "node:path";
import { groupRuns, weightsOf } from "../report/runs/grouping.js";
import { experimentLabels } from "../report/runs/labels.js";
import type { RunRecord } from "../report/runs/runRecord.js";
import { summarize } from "../report/runs/summarize.js";
import type { Finding } from "./analyze.js";
import { projectorCount } from "./present.js";

/** What the horizontal axis counts, each finding's place on it, and which findings a line may join. */
export interface Axis {
  readonly name: string;
  readonly findings: readonly Finding[];
  readonly placeOf: (finding: Finding) => number;
  /** Findings of one family differ in what the axis counts and in their seed only; undefined: nothing is joined. */
  readonly familyOf?: (finding: Finding) => string;
  /** What the numbers on the axis stand for, where they only count. */
  readonly key: readonly string[];
}

export const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];

const runsOf = (findings: readonly Finding[]): RunRecord[] =>
  distinct(findings.flatMap(({ subject }) => subject.run ?? []));

/** Each run's name among others: its experiment and its trial. */
function namesOf(runs: readonly RunRecord[]): ReadonlyMap<RunRecord, string> {
  const summaries = summarize(runs);
  const labels = experimentLabels(summaries);
  return new Map(
    summaries.flatMap((summary, at) =>
      summary.runs.map((run) => [run, `${labels[at]}, trial ${run.trial}`] as const),
    ),
  );
}

function inOrder(name: string, findings: readonly Finding[]): Axis {
  const names = namesOf(runsOf(findings));
  const nameOf = ({ subject }: Finding) =>
    (subject.run && names.get(subject.run)) ?? basename(subject.checkpoint);
  const placeOf = (finding: Finding) => findings.indexOf(finding) + 1;
  return { name, findings, placeOf, key: findings.map(nameOf) };
}

/** Each run's family: pair, method, weights and settings, but for the number of projectors. */
function familiesOf(runs: readonly RunRecord[]): ReadonlyMap<RunRecord | undefined, string> {
  return new Map(
    groupRuns(runs).flatMap(({ runs: own, settings: { num_proj: _, ...settings } }) =>
      own.map((run) => {
        const line = [run.teacher, run.model, run.method, weightsOf(run)];
        return [run, JSON.stringify([...line, Object.entries(settings).sort()])] as const;
      }),
    ),
  );
}

/** By number of projectors where all runs have one and it varies, else in the table's order. */
function axisOfRuns(findings: readonly Finding[]): Axis {
  const counts = distinct(findings.map(projectorCount));
  const isAblation = counts.length > 1 && !counts.includes(undefined);
  if (!isAblation) return inOrder("run", findings);
  const families = familiesOf(runsOf(findings));
  return {
    ...{ name: "number of projectors", findings, key: [] },
    placeOf: (finding) => projectorCount(finding) as number,
    familyOf: ({ subject }) => families.get(subject.run) ?? "",
  };
}

const isLast = ({ subject }: Finding) => /_last\.\w+$/.test(subject.checkpoint);

/** One run is drawn over its epochs, several by their last weights, single files in their order. */
export function chooseAxis(findings: readonly Finding[]): Axis {
  if (findings[0]?.subject.run === undefined) return inOrder("checkpoint", findings);
  if (distinct(findings.map(({ subject }) => subject.run?.dir)).length > 1) {
    return axisOfRuns(findings.filter(isLast));
  }
  const known = findings.filter(({ epoch }) => epoch !== undefined);
  return {
    ...{ name: "epoch", findings: known, key: [] },
    placeOf: ({ epoch }) => epoch as number,
    familyOf: () => "",
  };
}

/** The names of an axis's families: what tells them apart, without their numbers of projectors and seeds. */
export function familyNames({ findings, familyOf }: Axis): { family: string; name: string }[] {
  if (familyOf === undefined) return [];
  const families = distinct(findings.map(familyOf));
  const firsts = families.map((family) => findings.find((one) => familyOf(one) === family));
  const runs = firsts.flatMap((finding) => {
    const run = finding?.subject.run;
    if (run === undefined) return [];
    const { num_proj: _, ...config } = run.config;
    return [{ ...run, config }];
  });
  const summaries = summarize(runs);
  const labels = experimentLabels(summaries);
  return families.map((family, at) => {
    const dir = firsts[at]?.subject.run?.dir;
    const place = summaries.findIndex((summary) => summary.runs.some((run) => run.dir === dir));
    return { family, name: labels[place] ?? "" };
  });
}
