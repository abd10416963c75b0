import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONFIG_FILE } from "#pefd/runFiles/identity.js";
import { sealedText } from "#pefd/runFiles/stateFile.js";
import type { Outcome, Program, SweepObserver } from "#pefd/sweep/execute.js";
import { planSweep, type SweepRun } from "#pefd/sweep/plan.js";
import { layer } from "./layers.js";
import { fakeResult } from "./results.js";

/**
 * A stand-in for `pefd distill`, given in the test's folder: it logs that it ran, does what its trial's behaviour
 * says, and else leaves the result of a complete run.
 */
const SCRIPT = `
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
const [folder, behaviours, results, ...words] = process.argv.slice(2);
const trial = words[words.indexOf("--trial") + 1];
const behaviour = JSON.parse(behaviours)[trial];
appendFileSync(folder + "/calls", trial + " " + (process.env.CUDA_VISIBLE_DEVICES ?? "-") + "\\n");
const firstTime = !existsSync(folder + "/crashed" + trial);
if (behaviour === "warns") console.error("resnet8\\nwarning: THE GPU IS NOT USED: a reason.\\nepoch 1/1");
if (behaviour === "usage") { console.error("error: no such teacher\\n  look elsewhere"); process.exit(2); }
if (behaviour === "crash" || (behaviour === "crash once" && firstTime)) {
  writeFileSync(folder + "/crashed" + trial, "");
  process.kill(process.pid, "SIGKILL");
}
if (behaviour === "wait") {
  process.on("SIGTERM", () => { appendFileSync(folder + "/calls", "kept\\n"); process.exit(143); });
  console.error("waiting");
  writeFileSync(folder + "/ready", "");
  setInterval(() => {}, 1000);
} else {
  const [path, text] = JSON.parse(results)[trial];
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
`;

/** Four trials of one experiment below a folder. */
export const fakeRuns = (folder: string): Promise<SweepRun[]> =>
  planSweep([layer({ path_t: "resnet14_x/teacher.pth", trial: "1-4", save_dir: folder })], async () => undefined);

/** A program that behaves by trial: "usage", "crash", "crash once", "wait", "warns", or well. */
export function fakeProgram(
  folder: string,
  runs: readonly SweepRun[],
  behaviours: Readonly<Record<number, string>>,
): Program {
  const script = join(folder, "fake.mjs");
  writeFileSync(script, SCRIPT);
  const results = Object.fromEntries(
    runs.map(({ options, runDir }) => [options.trial, fakeResult(runDir, options.epochs)]),
  );
  const { CUDA_VISIBLE_DEVICES: _visible, ...env } = process.env;
  return {
    command: [process.execPath, script, folder, JSON.stringify(behaviours), JSON.stringify(results)],
    env,
    living: new Set(),
  };
}

/** Makes a run complete, as an earlier sweep left it. */
export function complete({ runDir, options }: SweepRun): void {
  mkdirSync(runDir, { recursive: true });
  writeFileSync(...fakeResult(runDir, options.epochs));
  const config = join(runDir, CONFIG_FILE);
  if (!existsSync(config)) writeFileSync(config, sealedText({ kind: "distill", ...options }));
}

/** Keeps what it is told; `onNotice` may act on it. */
export function recorder(onNotice: (text: string) => void = () => {}) {
  const notices: string[] = [];
  const ended: Outcome[] = [];
  const observer: SweepObserver = {
    started: () => {},
    notice: (_, text) => {
      notices.push(text);
      onNotice(text);
    },
    ended: (outcome) => ended.push(outcome),
  };
  return { notices, ended, observer };
}
