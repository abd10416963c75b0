import { join } from "node:path";
import { RESULT_FILE, type ResultContent, sealedText } from "#pefd/runFiles/stateFile.js";
import { identities } from "#pefd/sweep/identity.js";
import type { SweepRun } from "#pefd/sweep/plan.js";

/** What the config.json of a run of a sweep says, as if it had been trained on a processor. */
export async function fakeConfig(run: SweepRun): Promise<Record<string, unknown>> {
  const { identity } = await identities()(run);
  const decided = { engine: "graph", precision: "float32", device: "cpu" };
  return {
    kind: "distill",
    ...run.options,
    ...decided,
    identity: { ...identity, ...decided, options: { ...identity.options, precision: "float32" } },
  };
}

/** Path and text of the result.json of a complete run that never was. */
export function fakeResult(runDir: string, epochs: number): readonly [path: string, text: string] {
  const metrics = { loss: 1, top1: 50, top5: 75 };
  const result: ResultContent = {
    runDir,
    epochs,
    train: metrics,
    test: metrics,
    best: { top1: 50, epoch: epochs },
    seconds: 1,
    stepMs: 1,
    engine: "graph",
    precision: "float32",
    device: "CPU",
    weightsSha256: "0".repeat(64),
  };
  return [join(runDir, RESULT_FILE), sealedText(result)];
}
