import { spawn } from "node:child_process";

/**
 * Runs a program, its output on our stderr.
 * @returns {Promise<number>} its exit code; 127 when it is not there, 128 when a signal ended it
 */
export function run(command, args, { inherit = [], ...options } = {}) {
  const child = spawn(command, args, { stdio: ["ignore", 2, 2, ...inherit], ...options });
  return new Promise((resolve) => {
    child.on("error", () => resolve(127));
    child.on("exit", (code) => resolve(code ?? 128));
  });
}
