import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { ROOT } from "../helpers/paths.js";
import { faultEnvironment } from "./shim.js";
import type { Answer, Task } from "./worker.js";

/** Makes runs in other processes; one that a fault kills is replaced. */
export interface Workers {
  /** @returns how the run ended; "killed" where its process did with it */
  make(task: Task): Promise<Answer | "killed">;
  stop(): void;
}

const SCRIPT = join(ROOT, "dist-test/faults/worker.js");

/**
 * @param library the compiled shim
 * @param folder for the worker's own files
 */
export function createWorkers(library: string, folder: string): Workers {
  let made = 0;
  const start = (): { child: ChildProcess; ready: Promise<unknown> } => {
    const none = { folder, at: 0, how: "kill" } as const;
    const env = {
      ...process.env,
      ...faultEnvironment(library, none),
      PEFD_FAULT_LOG: join(folder, `calls-${made++}`),
    };
    const child = fork(SCRIPT, { env, stdio: ["ignore", "ignore", "inherit", "ipc"] });
    return { child, ready: once(child, "message") };
  };
  let current = start();
  // Starting takes longer than a run, so the next one is started ahead.
  let next = start();
  return {
    async make(task) {
      const { child, ready } = current;
      await ready;
      const answer = new Promise<Answer | "killed">((resolve) => {
        child.once("message", (message) => resolve(message as Answer));
        child.once("exit", () => resolve("killed"));
      });
      child.send(task);
      const ended = await answer;
      child.removeAllListeners();
      if (ended === "killed") {
        current = next;
        next = start();
      }
      return ended;
    },
    stop() {
      for (const { child } of [current, next]) child.kill("SIGKILL");
    },
  };
}
