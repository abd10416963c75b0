import { setTimeout as sleep } from "node:timers/promises";
import { Interrupted, interruptible, signalExitCode } from "#pefd/cli/interrupt.js";

/**
 * A process that works until it is told to stop: "early" stops at the first signal, "slow" keeps what is done for half a
 * second then, "done" returns then, "stubborn" never ends by itself. Says "ready", then what it hears.
 */
const manner = process.argv[2];

async function work(signal: AbortSignal): Promise<void> {
  const timer = setInterval(() => {}, 1000);
  process.stdout.write("ready\n");
  await new Promise<void>((done) => {
    signal.addEventListener("abort", () => manner !== "stubborn" && done());
  });
  clearInterval(timer);
  if (manner === "slow") {
    await sleep(500);
    process.stdout.write("kept\n");
  }
  if (manner !== "done") signal.throwIfAborted();
}

try {
  await interruptible(work, { onSignal: (name) => process.stdout.write(`heard ${name}\n`) });
} catch (error) {
  if (!(error instanceof Interrupted)) throw error;
  process.exitCode = signalExitCode(error.signalName);
}
