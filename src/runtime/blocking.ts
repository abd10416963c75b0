import { cleanText } from "../common/text.js";
import { nativeDirectory } from "./nativeFolder.js";
import { signalsFile } from "./paths.js";

/** src/native/signals.cc */
type Signals = { answer(text: string): void; release(): void };

/** The compiled module, or undefined where setup has not compiled it. */
function loadSignals(): Signals | undefined {
  const folder = nativeDirectory();
  if (folder === undefined) return undefined;
  const module = { exports: {} };
  try {
    // biome-ignore lint/style/noRestrictedGlobals: a module of our own, which no package names.
    process.dlopen(module, signalsFile(folder));
  } catch {
    return undefined;
  }
  return module.exports as Signals;
}

let signals: Signals | undefined;

/**
 * Does work that blocks the process for long. A signal ends the process meanwhile, at once, with `hint` and 128 and its
 * number as exit code; JavaScript could answer it only afterwards.
 */
export function endedBySignals(hint: string, work: () => void): void {
  signals ??= loadSignals();
  signals?.answer(`  ${cleanText(hint)}\n`);
  try {
    work();
  } finally {
    signals?.release();
  }
}
