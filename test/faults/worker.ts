import { openSync, readFileSync, rmSync } from "node:fs";
import { PefdError } from "#pefd/common/errors.js";
import type { DistillOptions } from "#pefd/config/options.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { silentHooks } from "../train/runs.js";
import { type Fault, faultWords } from "./shim.js";

/** One run that a worker is to make, with a fault or without. */
export interface Task {
  readonly options: DistillOptions;
  readonly fault: Fault;
}

/** How it ended. */
export interface Answer {
  /** Undefined where the run ended well; else what a user is told. */
  readonly sentence?: string;
  /** An error that is no sentence for people. */
  readonly defect?: string;
  /** The calls below the fault's folder, by name, in their order. */
  readonly calls: readonly string[];
}

// A process that loads the native library once and makes many runs, the shim in front of it (PEFD_FAULT_LOG set).

function arm(fault: Fault): void {
  try {
    openSync(`/pefd-fault/${faultWords(fault)}`, "r");
  } catch {}
}

const log = process.env.PEFD_FAULT_LOG as string;

function callsMade(): string[] {
  try {
    return readFileSync(log, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => line.split(" ")[0] as string);
  } catch {
    return [];
  }
}

async function make({ options, fault }: Task): Promise<Answer> {
  rmSync(log, { force: true });
  arm(fault);
  try {
    await runDistill(options, silentHooks());
    return { calls: callsMade() };
  } catch (error) {
    const text = error instanceof PefdError ? "sentence" : "defect";
    const { message, stack = "" } = error as Error;
    return { [text]: text === "sentence" ? message : stack, calls: callsMade() };
  } finally {
    arm({ ...fault, at: 0 });
  }
}

loadTensorFlow();
process.on("message", (task: Task) => {
  make(task).then((answer) => process.send?.(answer));
});
process.send?.("ready");
