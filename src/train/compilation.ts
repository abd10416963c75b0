import { setImmediate } from "node:timers/promises";
import { counted } from "../common/text/counted.js";
import type { Call, Program } from "../compile/types.js";
import { programsFolder } from "../runtime/programs/folder.js";

/** Whom a compilation tells what, and who may end it. */
export interface CompilationHooks {
  /** Told before it, with its reason, where it takes long. */
  readonly notice?: (text: string) => void;
  /** Told how far it is. */
  readonly phase?: (text: string) => void;
  /** Ends it between two programs. */
  readonly signal?: AbortSignal;
  /** Does work that blocks the process, such that a signal ends it at once. */
  readonly blocking?: (work: () => void) => void;
}

/** Why a compilation takes long, and what comes of it. */
function announcement(programs: number, device: string): string {
  const [reason, later] =
    programsFolder() !== undefined
      ? [
          "none are kept yet of these models and options for this device, driver and version",
          "they are kept for the next run",
        ]
      : ["compiled programs are not kept", "every run does it anew"];
  return `XLA compiles ${counted(programs, "program")} for ${device}: ${reason}. It takes up to a minute; ${later}. Ctrl-C ends it at once.`;
}

/**
 * Compiles before the first step whatever the calls of a run take, and announces it where it takes long: programs that
 * were kept are there at once. Where anything was compiled, variables have other values afterwards.
 * @param device the name of what is compiled for
 * @returns whether anything was compiled
 */
export async function compileCalls(
  program: Program,
  calls: readonly Call[],
  device: string,
  { notice, phase, signal, blocking = (work) => work() }: CompilationHooks,
): Promise<boolean> {
  const compilations = program.compilations(calls);
  const missing = compilations.length - program.kept;
  if (missing > 0) notice?.(announcement(missing, device));
  for (const [i, compilation] of compilations.entries()) {
    phase?.(`compiling with XLA: ${i + 1} of ${compilations.length}`);
    await setImmediate(); // a signal is heard, and the phase shown
    if (signal?.aborted) break;
    blocking(compilation);
  }
  return compilations.length > 0;
}
