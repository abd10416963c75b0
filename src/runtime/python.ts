import { spawnSync } from "node:child_process";
import { environmentError, runError } from "../common/errors.js";
import { pipHint, pythonOf } from "../common/python.js";
import { lastLine } from "./command.js";

/**
 * Runs Python with some words, for libraries that only Python has: PEFD_PYTHON, else python3.
 * @param purpose who needs it, such as "LiteRT", for messages
 * @returns what it printed on stdout
 * @throws environmentError where Python or a module is missing, with what to install; runError where the code fails
 */
export function runPython(
  purpose: string,
  code: string,
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string {
  const python = pythonOf(env);
  const options = { env: { TF_CPP_MIN_LOG_LEVEL: "3", ...env }, encoding: "utf8", maxBuffer: 2 ** 26 } as const;
  const { status, stdout, stderr, error } = spawnSync(python, ["-c", code, ...words], options);
  if (status === 0) return stdout;
  if (error !== undefined)
    throw environmentError(
      `${purpose} needs ${python}: ${error.message}.`,
      "Install it (PEFD_PYTHON names another Python).",
    );
  const [, missing] = /No module named '(\w+)/.exec(stderr) ?? [];
  if (missing === undefined) throw runError(`${purpose}: ${python} failed: ${lastLine(stderr)}`);
  throw environmentError(
    `${purpose} needs Python's ${missing}, which ${python} does not have.`,
    pipHint(python, missing),
  );
}
