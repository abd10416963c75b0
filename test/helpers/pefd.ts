import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { ROOT } from "./paths.js";

/** How a process ended, and what it said. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs Node.js on a script and waits for its end. */
export function runScript(
  script: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Ended> {
  const env = { ...process.env, NO_COLOR: "1", ...options.env };
  const child = spawn(process.execPath, [script, ...args], { cwd: options.cwd, env });
  const text = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (part: string) => {
      text[stream] += part;
    });
  }
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (exitCode) => done({ exitCode, ...text }));
  });
}

/** Runs the command line as a user does. */
export const pefd = (
  args: readonly string[],
  options?: { cwd?: string; env?: Record<string, string> },
): Promise<Ended> => runScript(resolve(ROOT, "bin/pefd.js"), args, options);
