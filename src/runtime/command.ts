import { spawn } from "node:child_process";

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Killed after this many seconds. */
  readonly timeoutSeconds?: number;
  /** File descriptors the program keeps open as long as it lives. */
  readonly inherit?: readonly number[];
}

export interface CommandResult {
  /** The exit code; undefined when it could not be started or was ended by a signal. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Never throws: one that is not there has no exit code, and the reason in `stderr`. */
export function runCommand(
  command: string,
  commandArguments: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { cwd, env, timeoutSeconds, inherit = [] } = options;
  const child = spawn(command, commandArguments, {
    stdio: ["ignore", "pipe", "pipe", ...inherit],
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
  });
  // Node's own timeout of spawn keeps waiting for a program that could not be started.
  const timer = timeoutSeconds && setTimeout(() => child.kill("SIGKILL"), timeoutSeconds * 1000);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve) => {
    const end = (code: number | undefined, reason: string) => {
      if (timer) clearTimeout(timer);
      resolve({ code, stdout, stderr: reason });
    };
    child.on("error", (error) => end(undefined, error.message));
    child.on("close", (code, signal) =>
      end(code ?? undefined, signal === null ? stderr : `${stderr}\nkilled by ${signal}`),
    );
  });
}

/** The last line that says something, for a sentence about what went wrong. */
export function lastLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.findLast((line) => line !== "") ?? "no reason given";
}
