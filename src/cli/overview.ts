import { COMMANDS } from "./commands.js";

/** The overview: every command with its summary. */
export function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, summary }) => `  pefd ${name.padEnd(width)}  ${summary}`);
  return [
    "pefd: teacher/student experiments by projector ensemble feature distillation",
    "",
    "Commands:",
    ...lines,
    "",
    "`pefd COMMAND --help` shows the options of a command, `pefd --version` the version.",
    "Options are spelled as in the paper's code (--batch_size); --batch-size does as well.",
    "docs/flags.md lists every option; `pefd doctor` tells whether all is set up.",
  ].join("\n");
}
