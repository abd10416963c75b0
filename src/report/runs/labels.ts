import { DISTILL_SECTIONS, TEACHER_SECTIONS } from "../../config/options.js";
import { partsExperiments } from "../../config/policy.js";
import { rowsOf } from "../../config/resolve.js";
import { IDENTITY_SETTINGS } from "../../runFiles/identity.js";
import { formatSetting, IN_THE_LINE, type Setting } from "./grouping.js";
import type { Summary } from "./summarize.js";

/** Settings that can part experiments, besides models, method and weights: options in order of help, then inputs. */
export const SETTING_NAMES: readonly string[] = [
  ...Object.keys(rowsOf([...TEACHER_SECTIONS, ...DISTILL_SECTIONS])).filter(
    (name) => partsExperiments(name) && !IN_THE_LINE.has(name),
  ),
  ...IDENTITY_SETTINGS,
];

type Settings = Readonly<Record<string, Setting>>;

const KNOWN: ReadonlySet<string> = new Set(SETTING_NAMES);

/** Every setting by name, null where a run has none. */
export const completeSettings = (settings: Settings): Readonly<Record<string, Setting | null>> =>
  Object.fromEntries(
    SETTING_NAMES.map((name) => [name, Object.hasOwn(settings, name) ? (settings[name] as Setting) : null]),
  );

/** Settings that this program does not know: of another version, or of somebody's own method. */
export const otherSettings = (settings: Settings): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !KNOWN.has(name)));

const differsLabel = ({ differs }: Summary): string =>
  Object.entries(differs)
    .map(([key, value]) => `${key} ${formatSetting(value)}`)
    .join(", ");

const weightsLabel = ({ weights: { gamma, alpha, beta } }: Summary): string =>
  [`r ${gamma}`, `a ${alpha}`, `b ${beta}`].filter((part) => !part.includes("undefined")).join(" ");

/** "resnet32x4 → resnet8x4", or only the teacher's name. */
export const pairLabel = ({ teacher, model }: Summary): string =>
  teacher === undefined ? model : `${teacher} → ${model}`;

const PARTS = {
  pair: pairLabel,
  method: (summary: Summary) => summary.method ?? "teacher",
  weights: (summary: Summary) => (summary.kind === "distill" ? weightsLabel(summary) : ""),
  differs: differsLabel,
};
type Part = keyof typeof PARTS;

const join = (summary: Summary, parts: readonly Part[]) =>
  parts
    .map((part) => PARTS[part](summary))
    .filter((text) => text !== "")
    .join(", ");

/** A short label per summary, all different, of only what distinguishes them: the method for a single pair. */
export function experimentLabels(summaries: readonly Summary[]): string[] {
  const distinct = (parts: readonly Part[]) => new Set(summaries.map((s) => join(s, parts))).size;
  const telling: Part[] = ["method"];
  for (const part of ["pair", "weights", "differs"] as const) {
    if (distinct([...telling, part]) > distinct(telling)) telling.push(part);
  }
  const inOrder = (["pair", "method", "weights", "differs"] as const).filter((part) => telling.includes(part));
  return summaries.map((summary) => join(summary, inOrder));
}
