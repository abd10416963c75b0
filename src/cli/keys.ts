import { readFileSync } from "node:fs";
import type { ReadStream } from "node:tty";

const CTRL_C = "\u0003";
const CTRL_Z = "\u001a";

/** A process in the background must not ask for keys: the terminal would stop it. */
function isInForeground(): boolean {
  try {
    const stat = readFileSync("/proc/self/stat", "utf8");
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return group === foreground;
  } catch {
    return false;
  }
}

/** Gives the terminal back while the process is stopped, and takes it again when it goes on. */
function suspend(keyboard: ReadStream): void {
  keyboard.setRawMode(false);
  process.once("SIGCONT", () => keyboard.setRawMode(true));
  process.kill(process.pid, "SIGTSTP");
}

/**
 * Acts when q is typed, without Enter; Ctrl-C and Ctrl-Z do what they always do. Where there is no keyboard, nothing
 * happens.
 * @returns what ends it and leaves the terminal as it was
 */
export function onQuitKey(keyboard: ReadStream, act: () => void): () => void {
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
