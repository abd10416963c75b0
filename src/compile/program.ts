import { writeRows } from "../runtime/rows.js";
import { tf } from "../runtime/tf.js";
import { calledEntry, stepFeeds } from "./feeds.js";
import { graphProgram, NOTHING_TO_COMPILE } from "./graphProgram.js";
import type { EngineName, Program, ProgramDescription } from "./types.js";
import { xlaProgram } from "./xlaProgram.js";

/** The reference: runs each step op by op. */
function eagerProgram({ entries }: ProgramDescription): Program {
  return {
    engine: "eager",
    ...NOTHING_TO_COMPILE,
    run(name, feeds, steps) {
      const entry = calledEntry(entries, name, steps);
      for (let i = 0; i < steps; i++) {
        tf.tidy(() => {
          // All new values are computed before the first is assigned, as in a graph.
          const updates = entry.step(stepFeeds(entry, feeds, i, steps));
          for (const [variable, value, rows] of updates) {
            if (rows === undefined) variable.assign(value);
            else writeRows(variable, rows, value);
          }
        });
      }
    },
    pull: () => {},
    push: () => {},
    dispose: () => {},
  };
}

const ENGINES: Readonly<Record<EngineName, (description: ProgramDescription) => Program>> = {
  eager: eagerProgram,
  graph: graphProgram,
  xla: xlaProgram,
};

export const engineNames = (): EngineName[] => Object.keys(ENGINES) as EngineName[];

export const compile = (engine: EngineName, description: ProgramDescription): Program => ENGINES[engine](description);
