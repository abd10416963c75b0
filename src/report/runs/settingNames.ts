import { partsExperiments } from "../../config/policy.js";
import { rowsOf } from "../../config/resolve.js";
import { DISTILL_SECTIONS, TEACHER_SECTIONS } from "../../config/sections.js";
import { IDENTITY_SETTINGS } from "../../runFiles/identity.js";
import { IN_THE_LINE, type Setting } from "./grouping.js";

/**
 * Every setting that can part experiments, besides models, method and weights: the options of this program that do, in
 * the order of help, then what a run tells of its inputs. What programs read has a place for each, whatever the runs have.
 */
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
    SETTING_NAMES.map((name) => [
      name,
      Object.hasOwn(settings, name) ? (settings[name] as Setting) : null,
    ]),
  );

/** Settings that this program does not know: of another version, or of somebody's own method. */
export const otherSettings = (settings: Settings): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !KNOWN.has(name)));
