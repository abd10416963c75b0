import { spawn } from "node:child_process";

/** Kills a process group. */
function end(child) {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Already gone.
  }
}

/**
 * Runs one compiled test file until its first test fails.
 * @returns {Promise<string | undefined>} the name of the test that failed, or why; undefined where all passed
 */
export function runTests(cwd, file, { env, seconds }) {
  const child = spawn(process.execPath, ["--test-reporter=tap", file], {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return new Promise((resolve) => {
    let [failed, text] = [undefined, ""];
    const stop = (reason) => {
      failed ??= reason;
      end(child);
    };
    const timer = setTimeout(() => stop("it did not end"), 1000 * seconds);
    child.stdout.setEncoding("utf8").on("data", (part) => {
      text = text.slice(-2000) + part;
      const [, name] = /^\s*not ok \d+ - (.*)$/m.exec(text) ?? [];
      if (name !== undefined) stop(name);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve(failed ?? (code === 0 ? undefined : `exit code ${code}`));
    });
  });
}
