import { spawnSync } from "node:child_process";

/** The interpreter that peers are asked in. */
export const PYTHON = process.env.PEFD_PYTHON ?? "python3";

/**
 * Runs Python and returns what it printed.
 * @throws Error with Python's own words when it fails
 */
export function runPython(code: string, args: readonly string[] = []): string {
  const { status, stdout, stderr, error } = spawnSync(PYTHON, ["-c", code, ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${PYTHON} failed: ${error?.message ?? stderr}`);
  return stdout;
}

/** Why a test that needs these Python modules must be skipped, or false when they can be imported. */
export function missingPython(...modules: readonly string[]): string | false {
  try {
    runPython(`import ${modules.join(", ")}`);
    return false;
  } catch {
    return `${PYTHON} cannot import ${modules.join(" and ")} (PEFD_PYTHON names another interpreter)`;
  }
}
