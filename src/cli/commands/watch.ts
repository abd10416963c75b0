import { setTimeout as sleep } from "node:timers/promises";
import type { ReadStream } from "node:tty";
import { flag, flagSection, number } from "../../common/optionRow.js";
import { statOf } from "../../common/processMark.js";
import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { resolveSection } from "../../config/resolve.js";
import { fitLines } from "../../report/fit.js";
import { createLiveText } from "../../report/live/progressBar.js";
import { renderWatch } from "../../report/live/watch.js";
import { watchDocument } from "../../report/reportDocument.js";
import { runCollector } from "../../report/runs/collector.js";
import type { Command } from "../command.js";
import { endedBySignal, interruptible } from "../interrupt.js";
import { colorOnStdout, columnsOf, isScreen } from "../output.js";

const CTRL_C = "\u0003";
const CTRL_Z = "\u001a";

/** A background process must not read keys: the terminal would stop it. */
function isInForeground(): boolean {
  const [, , group, , , foreground] = statOf("self");
  return group !== undefined && group === foreground;
}

/** Restores the terminal while the process is stopped. */
function suspend(keyboard: ReadStream): void {
  keyboard.setRawMode(false);
  process.once("SIGCONT", () => keyboard.setRawMode(true));
  process.kill(process.pid, "SIGTSTP");
}

/** Calls `act` when q is typed, without Enter; Ctrl-C and Ctrl-Z work as always. Returns what restores the terminal. */
function onQuitKey(keyboard: ReadStream, act: () => void): () => void {
  if (keyboard.isTTY !== true || !isInForeground()) return () => {};
  const listener = (data: Buffer) => {
    const typed = data.toString();
    if (typed.includes(CTRL_C)) process.kill(process.pid, "SIGINT");
    else if (typed.includes(CTRL_Z)) suspend(keyboard);
    else if (/^q/i.test(typed)) act();
  };
  const restore = () => void keyboard.setRawMode(false);
  keyboard.setRawMode(true);
  keyboard.on("data", listener);
  process.once("exit", restore);
  return () => {
    keyboard.off("data", listener);
    keyboard.pause();
    process.off("exit", restore);
    restore();
  };
}

const WATCH = flagSection("Watch", {
  once: flag("Print the state once and exit, as without a terminal."),
  interval: number(2, "Seconds between updates.", { min: 0.1 }),
});

const SAVE_DIR = "save";

async function showUntilStopped(render: () => string, interval: number, signal: AbortSignal): Promise<void> {
  const live = createLiveText(process.stdout);
  const quit = new AbortController();
  const end = onQuitKey(process.stdin, () => quit.abort());
  const either = AbortSignal.any([signal, quit.signal]);
  try {
    while (!either.aborted) {
      live.show(render());
      await sleep(interval * 1000, undefined, { signal: either }).catch(() => undefined);
    }
  } finally {
    end();
  }
  signal.throwIfAborted();
}

/** pefd watch: follows runs through their logs. */
export const command: Command = {
  sections: [WATCH, DOCUMENT, GENERAL],
  positionals: { usage: "[DIR...]", min: 0, max: Number.POSITIVE_INFINITY, completes: "runs" },
  examples: [
    ["pefd watch", "all runs in ./save; q quits, the runs continue"],
    ["pefd watch save/student_model/RUN", "one run, with its curves"],
  ],
  async run({ layers, positionals, flags, output }) {
    const { once, interval } = resolveSection(WATCH, layers);
    const dirs = positionals.length > 0 ? positionals : [SAVE_DIR];
    const color = colorOnStdout(flags.no_color === true);
    const columns = () => columnsOf(process.stdout) ?? Number.POSITIVE_INFINITY;
    const collect = runCollector();
    if (once || output.json || !isScreen(process.stdout)) {
      const found = collect(dirs);
      for (const problem of found.problems) output.notice(`warning: ${problem}`);
      const text = renderWatch(found.runs, Date.now(), columns(), color);
      output.result(text, watchDocument(found, Date.now()));
      return undefined;
    }
    const render = () => {
      const { runs, problems } = collect(dirs);
      const below = fitLines(problems.join("\n"), columns());
      return [renderWatch(runs, Date.now(), columns(), color), below].join("\n").trimEnd();
    };
    return interruptible((signal) => showUntilStopped(render, interval, signal)).then(() => undefined, endedBySignal);
  },
};
