import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { ROOT } from "./paths.js";

/** How a process ended, and what it said. */
export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in exactly this environment, and waits for its end. */
export function runProgram(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env: NodeJS.ProcessEnv },
): Promise<Ended> {
  const child = spawn(program, args, options);
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

/** Runs Node.js on a script and waits for its end. */
export const runScript = (
  script: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Ended> =>
  runProgram(process.execPath, [script, ...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, NO_COLOR: "1", ...options.env },
  });

/** Runs the command line as a user does. */
export const pefd = (
  args: readonly string[],
  options?: { cwd?: string; env?: Record<string, string> },
): Promise<Ended> => runScript(resolve(ROOT, "bin/pefd.js"), args, options);
