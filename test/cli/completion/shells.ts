import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A shell that is asked what it completes a line with. */
export interface AskedShell {
  /** Why it cannot be asked here, if it cannot. */
  readonly missing: string | false;
  /**
   * @param folder where the line is typed; the shell's own files lie there as well
   * @returns the words that are offered, or the one that is put in
   */
  complete(script: string, line: string, folder: string): string[];
}

/** A shell's own settings are left out: it finds no files of its user. */
function run(program: string, args: readonly string[], folder: string, input = ""): string {
  const { stdout, stderr, status, error } = spawnSync(program, args, {
    cwd: folder,
    input,
    encoding: "utf8",
    timeout: 60_000,
    env: { PATH: process.env.PATH, HOME: folder, ZDOTDIR: folder, TERM: "dumb", LC_ALL: "C.UTF-8" },
  });
  if (error || status !== 0) throw new Error(`${program}: ${error?.message ?? stderr}`);
  return stdout;
}

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");

/** Why programs cannot be run here. */
const missing = (...programs: readonly string[]): string | false => {
  const absent = programs.filter((name) => spawnSync(name, ["--version"]).status !== 0);
  return absent.length > 0 && `there is no ${absent.join(" and no ")} here`;
};

/** Calls the function that bash would call when Tab is typed, with what bash tells it. */
const ASK_BASH = `
source "$1"
complete -p pefd >/dev/null || exit
COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:' COMP_LINE=$2 COMP_POINT=\${#2}
_pefd pefd
printf '%s\\n' "\${COMPREPLY[@]}"`;

const bash: AskedShell = {
  missing: missing("bash"),
  complete: (script, line, folder) => lines(run("bash", ["--norc", "-c", ASK_BASH, "bash", script, line], folder)),
};

const fish: AskedShell = {
  missing: missing("fish"),
  complete(script, line, folder) {
    const ask = "source $argv[1]; complete -C $argv[2]";
    const offered = lines(run("fish", ["--no-config", "-c", ask, script, line], folder));
    return offered.map((word) => word.split("\t")[0] ?? "");
  },
};

const zshSettings = (script: string): string => `
PROMPT= RPROMPT= LISTMAX=10000
unsetopt beep zle_bracketed_paste prompt_cr prompt_sp list_ambiguous
stty cols 250 rows 1000
autoload -Uz compinit && compinit -u -D
source ${script}
pefd() { print; print -rl -- "$@" }
print START
`;

/** A Tab is typed on a terminal: zsh completes nowhere else. It lists what there is, or puts in the one word. */
const zsh: AskedShell = {
  missing: missing("zsh", "script"),
  complete(script, line, folder) {
    writeFileSync(join(folder, ".zshrc"), zshSettings(script));
    const typed = `${line}\t\nexit\n`;
    const shown = run("script", ["-qec", "zsh -d -i", "/dev/null"], folder, typed);
    return shown.slice(shown.lastIndexOf("START")).split(/\s+/);
  },
};

/** The shells that completion is written for. */
export const ASKED: Readonly<Record<"bash" | "zsh" | "fish", AskedShell>> = { bash, zsh, fish };
