import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ROOT } from "../../helpers/paths.js";
import { runProgram } from "../../helpers/pefd.js";
import { bytesPerStep, kernelsPerStep, readProgram } from "../runs/compiledProgram.js";
import { type Card, targetConfig } from "./cards.js";

/** A Python with XLA's ahead-of-time compiler for CUDA (.ci/peers.sh). */
const PYTHON = process.env.PEFD_AOT_PYTHON;

/** Why programs cannot be compiled for cards here, or false where they can. */
export function noCompiler(): string | false {
  if (!PYTHON) return "PEFD_AOT_PYTHON names no Python with jax-cuda12-pjrt; .ci/run brings one (0.4 GB)";
  const { status } = spawnSync(PYTHON, ["-c", "import jaxlib, jax_plugins.xla_cuda12, nvidia.cuda_nvcc"]);
  return status === 0 ? false : `${PYTHON} (PEFD_AOT_PYTHON) lacks jaxlib, jax-cuda12-pjrt or nvidia-cuda-nvcc-cu12`;
}

/** The programs of steps; others, such as copies of variables, are small. */
const STEPS = /^module_\d+\.(?:train|evaluate)_loop.*\.before_optimizations\.hlo\.pb$/;

const FLAGS = "--xla_dump_hlo_as_proto --xla_disable_all_hlo_passes=true";

/** Dumps the program of a work's steps, and ends the process that would go on to run it on the processor, for minutes. */
async function recordProgram(work: readonly string[], folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, XLA_FLAGS: `--xla_dump_to=${folder} ${FLAGS}` };
  const child = spawn(process.execPath, [join(ROOT, "dist-test/gpu/aot/record.js"), ...work], { env, stdio: "ignore" });
  const ended = new Promise((done) => child.on("close", done));
  const dumped = () => readdirSync(folder).find((name) => STEPS.test(name));
  const sizeNow = () => statSync(join(folder, dumped() ?? "none"), { throwIfNoEntry: false })?.size;
  for (let size: number | undefined; child.exitCode === null && (size === undefined || size !== sizeNow()); ) {
    size = sizeNow();
    await setTimeout(500);
  }
  child.kill("SIGKILL");
  await ended;
  return join(folder, dumped() ?? assert.fail(`no program of ${work.join(" ")}`));
}

/**
 * Dumps the programs that a GPU would be given for works of `pefd bench`, before XLA's first pass.
 * @param works words of record.ts: work, precision, and where they are not its own, teacher, student and method
 * @returns a file for each
 */
export async function recordPrograms(works: readonly (readonly string[])[], folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const [i, work] of works.entries()) files.push(await recordProgram(work, join(folder, `${i}`)));
  return files;
}

/** What is known of a program that was compiled for a card. */
export interface CompiledStep {
  readonly card: string;
  /** Kernels that a step launches. */
  readonly kernels: number;
  /** MB (10^6 bytes) that they read and write: operands and results, not what a cache holds. */
  readonly megabytes: number;
  /** Bytes of registers that spill to memory, in all kernels that XLA generates. */
  readonly spilled: number;
}

interface Answer {
  readonly card: string;
  readonly program: string;
  readonly kernels: readonly { readonly kernel: string; readonly spilled: number }[];
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** Compiles a dumped program for cards, one after the other. */
export async function compileFor(cards: readonly Card[], module: string, folder: string): Promise<CompiledStep[]> {
  const described = cards.map((card) => {
    const file = join(folder, `${card.name}.txtpb`);
    writeFileSync(file, targetConfig(card));
    return file;
  });
  const words = [join(ROOT, "test/gpu/aot/aot.py"), module, folder, ...described];
  const { exitCode, stdout, stderr } = await runProgram(PYTHON as string, words, { env: process.env });
  assert.equal(exitCode, 0, stderr);
  const answers = stdout.trim().split("\n");
  return answers.map((line) => {
    const { card, program, kernels } = JSON.parse(line) as Answer;
    const [loop] = readProgram(card, readFileSync(program, "utf8")).loops;
    if (loop === undefined) assert.fail(`${card}: no loop over steps`);
    return {
      card,
      kernels: rounded(kernelsPerStep(loop)),
      megabytes: rounded(bytesPerStep(loop) / 1e6),
      spilled: kernels.reduce((sum, { spilled }) => sum + spilled, 0),
    };
  });
}
