import { once } from "node:events";
import { runCollector } from "../report/runs/collector.js";
import type { Output } from "./command.js";
import { endedBySignal, interruptible } from "./interrupt.js";
import { publishedOf } from "./published.js";

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
  signal.throwIfAborted();
}

/**
 * Serves the report's page of the runs in some folders until Ctrl-C.
 * @param port 0 takes any that is free
 * @returns the exit code of the signal that ended it
 * @throws inputError where a folder does not exist, or another program has the port
 */
export async function serveRuns(
  dirs: readonly string[],
  port: number,
  output: Output,
): Promise<number | undefined> {
  const collect = runCollector();
  for (const problem of collect(dirs).problems) output.notice(`warning: ${problem}`);
  const { livePage } = await import("../report/serve/livePage.js");
  const { serveReport } = await import("../report/serve/server.js");
  const server = await serveReport(livePage(dirs, publishedOf, Date.now, collect), port);
  output.result(server.url, { url: server.url });
  output.notice("Open this address in a browser on this machine. Ctrl-C ends it; the runs go on.");
  try {
    return await interruptible(untilAborted).then(() => undefined, endedBySignal);
  } finally {
    await server.close();
  }
}
