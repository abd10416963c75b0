import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { trafficOf } from "./traffic.js";

/** A loop in a program that XLA compiled for a GPU. */
export interface CompiledLoop {
  /** How often it goes around, where XLA knows; else its condition is computed and read back before every round. */
  readonly rounds: number | undefined;
  /** What a round launches: kernels of XLA's by the way they are fused, and those of cuDNN and cuBLAS by name. */
  readonly kernels: Readonly<Record<string, number>>;
  /** Bytes that these read and write: every operand and result once, of a slice only the slice. */
  readonly bytes: number;
  /** The loops that a round starts, the longest first. */
  readonly loops: readonly CompiledLoop[];
}

/** A program that XLA compiled for a GPU, as far as its last dump tells. */
export interface CompiledProgram {
  /** The name of its function, such as train_loop. */
  readonly name: string;
  /** What it launches once, outside of loops. */
  readonly kernels: Readonly<Record<string, number>>;
  /** The loops that it starts, the longest first. */
  readonly loops: readonly CompiledLoop[];
  /** Products of matrices in kernels of XLA's own making; all others are left to cuBLAS. */
  readonly ownProducts: number;
}

/** Flags that make XLA write down what it compiles. */
export const dumpFlags = (folder: string): string => `--xla_dump_to=${folder} --xla_dump_hlo_as_text`;

const ENDING = /\.([\w]+?)_*\.\d+\.sm_[\d.]+a?_gpu_after_optimizations\.txt$/;

/** Instructions that only name values. */
const FREE = new Set(["bitcast", "constant", "get-tuple-element", "parameter", "tuple", "while"]);

/** The computations of a program by name, each as its lines. */
function computations(text: string): Map<string, string[]> {
  const blocks = text.split(/\n(?=(?:ENTRY )?%[^\n]*\{\n)/).slice(1);
  return new Map(
    blocks.map((block) => {
      const [head = "", ...lines] = block.split("\n");
      const name = head.startsWith("ENTRY ") ? "ENTRY" : (head.split(" ")[0] ?? "");
      return [name, lines];
    }),
  );
}

/** What an instruction launches; undefined where it is none, or one that only names a value. */
function kernelOf(line: string): string | undefined {
  const operation = line.match(/^\s+(?:ROOT )?%[\w.-]+ = .*? ([a-z][a-z-]*)\(/)?.[1];
  if (operation === undefined || FREE.has(operation)) return undefined;
  const detail = { fusion: /kind=k(\w+)/, "custom-call": /custom_call_target="([^"]+)"/ };
  const found = line.match(detail[operation as keyof typeof detail] ?? /^$/)?.[1];
  return found === undefined ? operation : operation === "fusion" ? `${found} fusion` : found;
}

function kernelsOf(lines: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kernel of lines.map(kernelOf)) {
    if (kernel !== undefined) counts[kernel] = (counts[kernel] ?? 0) + 1;
  }
  return counts;
}

/** Kernels of all kinds together. */
export const kernelCount = (kernels: Readonly<Record<string, number>>): number =>
  Object.values(kernels).reduce((sum, count) => sum + count, 0);

/** The loops that some lines start, with those inside of them. */
function loopsOf(lines: readonly string[], parts: ReadonlyMap<string, string[]>): CompiledLoop[] {
  const loops = lines.flatMap((line): CompiledLoop[] => {
    const body = line.match(/ while\(.*\bbody=(%[\w.-]+)/)?.[1];
    if (body === undefined) return [];
    const rounds = line.match(/"known_trip_count":\{"n":"(\d+)"/)?.[1];
    const inside = parts.get(body) ?? [];
    return [
      {
        rounds: rounds === undefined ? undefined : Number(rounds),
        kernels: kernelsOf(inside),
        bytes: trafficOf(inside, parts),
        loops: loopsOf(inside, parts),
      },
    ];
  });
  return loops.sort((a, b) => kernelCount(b.kernels) - kernelCount(a.kernels));
}

/** Steps that a loop takes, whether its rounds are steps or groups of them; undefined where that is not known. */
export function stepsOf({ rounds, loops: [inner] }: CompiledLoop): number | undefined {
  if (rounds === undefined || inner === undefined) return rounds;
  return inner.rounds === undefined ? undefined : rounds * inner.rounds;
}

/** Kernels of a step: those of its round, and its part of what a group of steps has in common. */
export function kernelsPerStep({ kernels, loops: [inner] }: CompiledLoop): number {
  if (inner === undefined) return kernelCount(kernels);
  return kernelsPerStep(inner) + kernelCount(kernels) / (inner.rounds ?? 1);
}

/** Bytes that a step reads and writes, counted as its kernels are. */
export function bytesPerStep({ bytes, loops: [inner] }: CompiledLoop): number {
  return inner === undefined ? bytes : bytesPerStep(inner) + bytes / (inner.rounds ?? 1);
}

/** Reads a program from the text that XLA writes. */
export function readProgram(name: string, text: string): CompiledProgram {
  const parts = computations(text);
  const entry = parts.get("ENTRY") ?? [];
  const loops = loopsOf(entry, parts);
  const ownProducts = text.match(/ dot\(/g)?.length ?? 0;
  return { name, kernels: kernelsOf(entry), loops, ownProducts };
}

/** The programs that were compiled while XLA_FLAGS held dumpFlags of this folder. */
export function compiledPrograms(folder: string): CompiledProgram[] {
  return readdirSync(folder).flatMap((file) => {
    const name = file.match(ENDING)?.[1];
    return name === undefined ? [] : [readProgram(name, readFileSync(join(folder, file), "utf8"))];
  });
}

/** A line for people: what a program launches. */
export function describeProgram({ name, kernels, loops }: CompiledProgram): string {
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([kernel, count]) => `${count} ${kernel}`)
      .join(", ");
  const linesOf = (loop: CompiledLoop, indent: string): string[] => [
    `${indent}a round: ${kernelCount(loop.kernels)} kernels (${list(loop.kernels)}); rounds: ${loop.rounds ?? "not known"}`,
    ...loop.loops.flatMap((inner) => linesOf(inner, `  ${indent}`)),
  ];
  const lines = loops.flatMap((loop) => linesOf(loop, "  "));
  return [`${name}: once ${kernelCount(kernels)} kernels (${list(kernels)})`, ...lines].join("\n");
}
