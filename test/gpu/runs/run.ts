import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { Pretence } from "../pretended/pretence.js";
import type { PretendedGpu } from "../pretended/pretendedGpu.js";
import { type CompiledProgram, compiledPrograms, dumpFlags } from "./compiledProgram.js";
import { eventsOf, type GpuEvent } from "./events.js";

/** What `distill`, `train-teacher` and `eval` print of themselves with --json, as far as tests here look at it. */
export interface RunDocument {
  readonly engine: string;
  readonly precision: string;
  readonly device: string;
}

/** A run that came to its end. */
export interface PretendedRun<Document extends RunDocument> {
  readonly document: Document;
  readonly events: readonly GpuEvent[];
  /** What XLA compiled. */
  readonly programs: readonly CompiledProgram[];
  readonly stderr: string;
}

/** Images for a data set that the runs of a test share. @returns its folder */
export async function syntheticData(gpu: PretendedGpu, train: number, test: number): Promise<string> {
  const folder = join(gpu.root, `images-${train}-${test}`);
  const sizes = ["--train", `${train}`, "--test", `${test}`];
  const { exitCode, stderr } = await gpu.pefd(["data", "synthesize", "--out", folder, ...sizes]);
  assert.equal(exitCode, 0, stderr);
  return folder;
}

/**
 * Runs a command to its end on a pretended GPU, with XLA telling what it compiles; fails where the run does, or where
 * it gave the GPU a pointer to the host's memory or the other way round.
 */
export async function runToEnd<Document extends RunDocument>(
  gpu: PretendedGpu,
  words: readonly string[],
  pretence: Pretence = {},
): Promise<PretendedRun<Document>> {
  const dump = mkdtempSync(join(gpu.root, "dump-"));
  const flags = `${gpu.environment(pretence).XLA_FLAGS} ${dumpFlags(dump)}`;
  const env = { ...pretence.env, XLA_FLAGS: flags };
  const ended = await gpu.pefd([...words, "--json"], { ...pretence, env });
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.deepEqual(eventsOf(ended.events, "wrong"), []);
  const { events, stderr } = ended;
  return {
    events,
    stderr,
    programs: compiledPrograms(dump),
    document: JSON.parse(ended.stdout) as Document,
  };
}
