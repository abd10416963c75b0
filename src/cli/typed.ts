import { existsSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { shellWord, withoutPasswords } from "../common/text.js";

export interface Started {
  /** process.argv[1] */
  readonly script: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Whether the bare name starts this script: it is the first of its name on PATH. */
function isOnPath(script: string, path: string): boolean {
  const name = basename(script);
  const first = path.split(":").find((folder) => existsSync(resolve(folder, name)));
  return first !== undefined && resolve(first) === dirname(script);
}

/** The command that starts this program: pefd, npx pefd, node bin/pefd.js. */
export function typedProgram({ script, env, cwd }: Started): string {
  if (env.npm_command === "exec") return "npx pefd";
  const path = relative(cwd, script);
  const shown = path.startsWith("..") ? script : path;
  if (script.endsWith(".js")) return `node ${shellWord(shown)}`;
  return isOnPath(script, env.PATH ?? "") ? basename(script) : shellWord(shown);
}

/** The same of a process. */
export function programOf({ argv, env, cwd }: Pick<NodeJS.Process, "argv" | "env" | "cwd">): string {
  try {
    return typedProgram({ script: argv[1] ?? "", env, cwd: cwd() });
  } catch {
    return "pefd"; // the folder that it was started in is gone
  }
}

/** A command line in a message follows a colon or an arrow, perhaps with variables before it. */
const COMMAND_LINE = /((?:: |-> )(?:[A-Z_]+=\S+ )*)pefd (?=[a-z])/g;

/** A sentence with its command lines as they have to be typed. */
export const asTyped = (sentence: string, program: string): string =>
  sentence.replaceAll(COMMAND_LINE, (_, before) => `${before}${program} `);

/** A command line of this program for messages, without passwords. @param words its arguments */
export const typedLine = (words: readonly string[]): string =>
  [programOf(process), ...words.map(withoutPasswords).map(shellWord)].join(" ");
