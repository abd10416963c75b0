import { existsSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { shellWord } from "../common/text/shellWord.js";
import { COMMANDS } from "./commands.js";

/** How a process was started. */
export interface Started {
  /** process.argv[1] */
  readonly script: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Whether a word alone starts this script: it is the first of its name on PATH. */
function isOnPath(script: string, path: string): boolean {
  const name = basename(script);
  const first = path.split(":").find((folder) => existsSync(resolve(folder, name)));
  return first !== undefined && resolve(first) === dirname(script);
}

/** What has to be typed to start this program as it was started: pefd, npx pefd, node bin/pefd.js. */
export function typedProgram({ script, env, cwd }: Started): string {
  if (env.npm_command === "exec") return "npx pefd";
  const path = relative(cwd, script);
  const shown = path.startsWith("..") ? script : path;
  if (script.endsWith(".js")) return `node ${shellWord(shown)}`;
  return isOnPath(script, env.PATH ?? "") ? basename(script) : shellWord(shown);
}

const FIRST_WORDS = [...new Set(COMMANDS.map(({ name }) => name.split(" ")[0]))].join("|");

/** A command line that people are to type: at the start of a sentence, or after a colon; variables may stand before it. */
const COMMAND_LINE = new RegExp(`(^|: )((?:[A-Z_]+=\\S+ )*)pefd (?=(?:${FIRST_WORDS})\\b)`, "g");

/** A sentence with its command lines as they have to be typed. */
export const asTyped = (sentence: string, program: string): string =>
  sentence.replaceAll(COMMAND_LINE, (_, before, variables) => `${before}${variables}${program} `);
