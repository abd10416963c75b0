import type { ChalkInstance } from "chalk";
import { cleanLine, textWidth } from "../../common/text.js";
import { palette } from "../color.js";
import { formatDuration } from "../duration.js";
import { QUANTITIES } from "../plots/plotData.js";
import { experimentLabels, pairLabel } from "../runs/labels.js";
import { bestOf, type RunRecord, type RunState, secondsToGo, stateOf } from "../runs/runRecord.js";
import { mean } from "../runs/statistics.js";
import { summarize } from "../runs/summarize.js";
import { columns as columnsOf, renderText } from "../table.js";

const BLOCKS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** At most `width` means of equal stretches; gaps (no number) stay out of the means. */
function thin(values: readonly number[], width: number): number[] {
  if (values.length <= width) return [...values];
  return Array.from({ length: width }, (_, i) => {
    const from = Math.floor((i * values.length) / width);
    const to = Math.floor(((i + 1) * values.length) / width);
    return mean(values.slice(from, to).filter(Number.isFinite));
  });
}

/** A curve as one line of at most `width` blocks, ▁ the lowest and █ the highest; blank where there is no number. */
export function sparkline(values: readonly number[], width: number): string {
  const points = thin(values, width);
  const finite = points.filter(Number.isFinite);
  const low = Math.min(...finite);
  const range = Math.max(...finite) - low;
  return points
    .map((value) => {
      if (!Number.isFinite(value)) return " ";
      const level = range === 0 ? 0 : Math.round(((value - low) / range) * (BLOCKS.length - 1));
      return BLOCKS[level];
    })
    .join("");
}

const ORDER: readonly RunState[] = ["running", "failed", "stopped", "finished"];
const WIDEST_CURVE = 40;
const TITLES = ["State", "Run", ">Trial", ">Epoch", ">Loss", ">Top-1", ">Best", ">ETA"];
const RUN = 1;

/** Columns that go, one after the other, where a terminal is too narrow for the runs' names. */
const GIVING_WAY = [">Loss", ">Best", "State"];

const LEAST_NAME = 16;

const fixed = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? "-";

function etaText(run: RunRecord, now: number): string {
  const left = secondsToGo(run, now);
  return left === undefined ? "-" : formatDuration(left);
}

function cells(run: RunRecord, label: string, now: number): string[] {
  const last = run.rows.at(-1);
  return [
    stateOf(run, now),
    label,
    String(run.trial),
    `${last?.epoch ?? 0}/${run.epochs}`,
    fixed(last?.train.loss, 3),
    fixed(last?.test.top1, 2),
    fixed(bestOf(run)?.top1, 2),
    etaText(run, now),
  ];
}

const top1Of = (run: RunRecord) => run.rows.map(({ test }) => test.top1);

/** Runs with their experiment's label: running ones first, then by experiment and trial. */
function labelled(runs: readonly RunRecord[], now: number): [RunRecord, string][] {
  const summaries = summarize(runs);
  const labels = experimentLabels(summaries);
  const all = summaries.flatMap(({ runs: own, repeats }, i) =>
    [...own, ...repeats.map(({ run }) => run)].map((run): [RunRecord, string] => [run, labels[i] ?? ""]),
  );
  const rank = ([run]: [RunRecord, string]) => ORDER.indexOf(stateOf(run, now));
  return all.sort((a, b) => rank(a) - rank(b));
}

/** Splits a line where the terminal would, so that the number of lines is known. */
function broken(line: string, columns: number): string[] {
  const characters = [...line];
  if (characters.length <= columns) return [line];
  return Array.from({ length: Math.ceil(characters.length / columns) }, (_, i) =>
    characters.slice(i * columns, (i + 1) * columns).join(""),
  );
}

/** A name with its middle elided: runs differ at both ends. */
function shortened(name: string, room: number): string {
  const characters = [...name];
  if (characters.length <= room) return name;
  const end = Math.floor((room - 1) / 2);
  return [...characters.slice(0, room - 1 - end), "…", ...characters.slice(-end || undefined)].slice(0, room).join("");
}

type Lines = { readonly titles: readonly string[]; readonly rows: readonly (readonly string[])[] };

const widthOf = ({ titles, rows }: Lines): number =>
  textWidth(renderText({ columns: columnsOf(...titles), rows }).split("\n")[1] ?? "");

const without = ({ titles, rows }: Lines, title: string): Lines => {
  const at = titles.indexOf(title);
  return { titles: titles.toSpliced(at, 1), rows: rows.map((cells) => cells.toSpliced(at, 1)) };
};

function fitted(lines: Lines, columns: number): Lines {
  const names = lines.rows.map((cells) => textWidth(cells[RUN] ?? ""));
  const longest = Math.max(TITLES[RUN]?.length ?? 0, ...names);
  const roomIn = (tried: Lines) => columns - (widthOf(tried) - longest);
  const enough = Math.min(LEAST_NAME, longest);
  let kept = lines;
  for (const title of GIVING_WAY) if (roomIn(kept) < enough) kept = without(kept, title);
  const room = Math.max(1, roomIn(kept));
  const at = kept.titles.indexOf(TITLES[RUN] ?? "");
  const rows = kept.rows.map((cells) => cells.with(at, shortened(cells[at] ?? "", room)));
  return { ...kept, rows };
}

const painter = (paint: ChalkInstance) => (line: string) => {
  if (line.startsWith("running")) return line.replace("running", paint.green("running"));
  if (line.startsWith("failed")) return line.replace("failed", paint.red("failed"));
  return line.startsWith("stopped") ? line.replace("stopped", paint.yellow("stopped")) : line;
};

function list(runs: readonly RunRecord[], now: number, columns: number): string[] {
  const entries = labelled(runs, now);
  const all = { titles: TITLES, rows: entries.map(([run, label]) => cells(run, label, now)) };
  const { titles, rows } = fitted(all, columns);
  const lines = renderText({ columns: columnsOf(...titles), rows }).split("\n");
  const width = Math.max(...lines.map((line) => [...line].length)) + 2;
  const room = Math.min(WIDEST_CURVE, columns - width);
  if (room < 8) return lines;
  const curves = ["Test top-1", "", ...entries.map(([run]) => sparkline(top1Of(run), room))];
  return lines.map((line, index) => line.padEnd(width) + (curves[index] ?? "")).map((line) => line.trimEnd());
}

function detail(run: RunRecord, now: number, columns: number): string[] {
  const [summary] = summarize([run]);
  const best = bestOf(run);
  const title = summary === undefined ? run.model : `${pairLabel(summary)}, ${run.method ?? "teacher"}`;
  const curves = QUANTITIES.filter(({ after }) => after === undefined).map(({ title: name, value, logarithmic }) => {
    const values = run.rows.map(value);
    const last = values.at(-1);
    const text = last === undefined ? "-" : String(Number(last.toPrecision(4)));
    const room = Math.min(80, columns - 26);
    return `${name.padEnd(14)}${text.padStart(9)}  ${sparkline(logarithmic ? values.map(Math.log) : values, Math.max(1, room))}`;
  });
  return [
    `${stateOf(run, now)}  ${title}, trial ${run.trial}`,
    `Epoch ${run.rows.at(-1)?.epoch ?? 0}/${run.epochs}, best top-1 ${fixed(best?.top1, 2)} (epoch ${best?.epoch ?? "-"}), ETA ${etaText(run, now)}`,
    ...curves,
    ...(run.failure === undefined ? [] : [run.failure]),
    run.dir,
  ];
}

function headline(runs: readonly RunRecord[], now: number): string {
  const counts = ORDER.flatMap((state) => {
    const n = runs.filter((run) => stateOf(run, now) === state).length;
    return n === 0 ? [] : [`${n} ${state}`];
  });
  const left = runs.map((run) => secondsToGo(run, now)).filter((s) => s !== undefined);
  const eta = left.length > 1 ? [`all done in ${formatDuration(Math.max(...left))}`] : [];
  return [...counts, ...eta].join(", ");
}

/**
 * Runs as terminal text: one run with all its curves, or a line per run with its accuracy curve.
 * @param now milliseconds since 1970, to tell running from stopped (stateOf)
 * @param columns of the terminal, which no line exceeds; Infinity off one
 */
export function renderWatch(runs: readonly RunRecord[], now: number, columns: number, color = false): string {
  const [only] = runs;
  if (only === undefined) return "No runs yet.";
  const body = runs.length === 1 ? detail(only, now, columns) : [headline(runs, now), "", ...list(runs, now, columns)];
  return body
    .flatMap((line) => broken(cleanLine(line), columns))
    .map(painter(palette(color)))
    .join("\n");
}
