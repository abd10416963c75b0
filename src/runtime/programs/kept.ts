import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { describeFailure } from "../../common/files/writeError.js";
import { counted } from "../../common/text/counted.js";
import { programsFolder } from "./folder.js";
import { namesInMemory, readFromMemory, writeToMemory } from "./memory.js";
import { readPrograms, writeProgram } from "./store.js";

/** The programs of one graph that XLA has compiled, in this process or an earlier one. */
export interface KeptPrograms {
  /** How many were there at first. */
  readonly count: number;
  /** Keeps what was compiled since. */
  keepNew(): void;
}

/** Told what went wrong with kept programs: sentences for people. */
export type Say = (text: string) => void;

/** Names in TensorFlow's memory that are kept, or could not be. */
const settled = new Set<string>();

const reasonOf = (error: unknown): string => describeFailure(error as NodeJS.ErrnoException);

function load(place: string, graph: string, say: Say): number {
  try {
    const { programs, damaged } = readPrograms(place, graph);
    for (const { name, bytes } of programs) {
      writeToMemory(name, bytes);
      settled.add(name);
    }
    if (damaged > 0) {
      say(
        `${counted(damaged, "program")} that XLA had compiled and ${place} kept came back damaged; compiled anew.`,
      );
    }
    return programs.length;
  } catch (error) {
    say(`The programs kept in ${place} could not be read: ${reasonOf(error)}. Compiled anew.`);
    return 0;
  }
}

/**
 * Hands TensorFlow the programs of a graph that are kept. A program is never the reason why a run fails: each has a
 * checksum, damaged ones are removed and compiled anew, and where none can be read or written that is said and the run
 * goes on.
 * @param bytes the graph
 * @param say told what went wrong
 */
export function keptPrograms(bytes: Uint8Array, say: Say): KeptPrograms {
  const place = programsFolder();
  if (place === undefined) return { count: 0, keepNew() {} };
  const graph = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const count = load(place, graph, say);
  let isWritable = true;
  return {
    count,
    keepNew() {
      if (!isWritable) return;
      try {
        for (const name of namesInMemory()) {
          if (settled.has(name)) continue;
          settled.add(name);
          writeProgram(place, graph, { name, bytes: readFromMemory(name) });
        }
      } catch (error) {
        isWritable = false;
        say(
          `What XLA compiled could not be written to ${dirname(place)}: ${reasonOf(error)}. The run goes on; the next one compiles again.`,
        );
      }
    },
  };
}
