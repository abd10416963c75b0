import type { Timing } from "../../bench/types.js";
import { lastLine, runCommand } from "../../runtime/command.js";

/** What is asked of the process that tells its memory. */
export interface MemoryQuestion {
  /** Further words of the command line: pair, batch size, GPU. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  notice(text: string): void;
}

/** The document of `pefd bench --alone --json`, as far as it is of use here. */
interface AloneDocument {
  readonly processMemoryMb: number;
  readonly results: readonly Timing[];
}

/** The most memory of a process that trains by one method with one variant, in MB; on a GPU, of the GPU's in use. */
async function memoryOf(
  { method, engine, precision, what }: Timing,
  { words, env, notice }: MemoryQuestion,
): Promise<number | undefined> {
  notice(`${what}: ${engine}, ${precision}: memory`);
  const own = ["--distill", method as string, "--engine", engine, "--precision", precision];
  const { code, stdout, stderr } = await runCommand(
    process.execPath,
    [process.argv[1] as string, "bench", "--alone", "--json", "--quiet", ...own, ...words],
    { env },
  );
  if (code === 0) {
    const { results, processMemoryMb } = JSON.parse(stdout) as AloneDocument;
    return results[0]?.deviceMemoryMb ?? processMemoryMb;
  }
  notice(`warning: the memory of ${method} is not known: ${lastLine(stderr)}`);
  return undefined;
}

/**
 * Timings of methods that were timed beside `kd`, with what each takes in memory over it. Every one is run once more, for a
 * few steps in a process of its own: in one that has run others, memory that they have left would be used again.
 */
export async function withMemory(
  timings: readonly Timing[],
  question: MemoryQuestion,
): Promise<Timing[]> {
  const found: Timing[] = [];
  const ofKd = new Map<string, number | undefined>();
  const isCompared = timings.some(({ overKd }) => overKd !== undefined);
  for (const timing of timings) {
    const memory = isCompared ? await memoryOf(timing, question) : undefined;
    const variant = `${timing.engine} ${timing.precision}`;
    if (timing.overKd === undefined) ofKd.set(variant, memory);
    const base = ofKd.get(variant);
    const isKnown = timing.overKd !== undefined && memory !== undefined && base !== undefined;
    found.push(
      isKnown ? { ...timing, overKd: { ...timing.overKd, memoryMb: memory - base } } : timing,
    );
  }
  return found;
}
