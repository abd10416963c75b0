import { DISTILL_SECTIONS, TEACHER_SECTIONS } from "../../dist/config/options.js";
import { rowsOf } from "../../dist/config/resolve.js";
import { SETTING_NAMES } from "../../dist/report/runs/labels.js";

/** The settings that reports have a column of, as a table for docs/formats.md. */
export function formatsReference() {
  const rows = rowsOf([...TEACHER_SECTIONS, ...DISTILL_SECTIONS]);
  const lines = SETTING_NAMES.map((name) => {
    const meaning = rows[name] === undefined ? "of the run's identity" : `--${name}`;
    return `| \`${name}\` | ${meaning} |`;
  });
  return ["| column | what |", "| --- | --- |", ...lines].join("\n");
}
