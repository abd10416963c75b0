import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { cleanLine } from "../common/text/cleanText.js";
import { lastWords } from "./lastWords.js";

/** How this program is started again. */
export interface Program {
  /** Node.js and its script. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Processes that are running; who ends this one at once can end them as well. */
  readonly living: Set<ChildProcess>;
}

/** How a run's process ended. */
export interface ChildEnd {
  /** Undefined when a signal ended it, or it could not be started. */
  readonly code: number | undefined;
  /** Why, in the process's own last words. */
  readonly reason: string;
}

const KEPT_CHARACTERS = 4000;

const WARNING = /^warning: /;

/** The signal that this program received, for its children to receive it too. */
const signalOf = (signal: AbortSignal): NodeJS.Signals =>
  (signal.reason as { signalName?: NodeJS.Signals } | undefined)?.signalName ?? "SIGTERM";

/**
 * Runs one run to its end. The process has a group of its own: a terminal's Ctrl-C reaches it once, through this
 * program, as a second one would make it stop without keeping what is done.
 * @param onWarning told each line in which it warns of something, until it is stopped
 */
export function runChild(
  { command: [file, ...before], env, living }: Program,
  words: readonly string[],
  extraEnv: Readonly<Record<string, string>>,
  signal: AbortSignal,
  onWarning: (line: string) => void,
): Promise<ChildEnd> {
  const child = spawn(file, [...before, ...words], {
    detached: true,
    env: { ...env, ...extraEnv },
    stdio: ["ignore", "ignore", "pipe"],
  });
  living.add(child);
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    text = (text + part).slice(-KEPT_CHARACTERS);
  });
  createInterface({ input: child.stderr }).on("line", (line) => {
    const said = cleanLine(line);
    if (WARNING.test(said) && !signal.aborted) onWarning(said);
  });
  const stop = () => child.kill(signalOf(signal));
  signal.addEventListener("abort", stop, { once: true });
  return new Promise((resolve) => {
    const end = (ended: ChildEnd) => {
      living.delete(child);
      signal.removeEventListener("abort", stop);
      resolve(ended);
    };
    child.on("error", (error) => end({ code: undefined, reason: error.message }));
    child.on("close", (code, name) =>
      end({ code: code ?? undefined, reason: name ? `ended by ${name}` : lastWords(text) }),
    );
  });
}
