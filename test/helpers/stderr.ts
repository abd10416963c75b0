import type { TestContext } from "node:test";
import type { Output } from "#pefd/cli/command.js";

/** Lets a stderr of a kind, of 72 columns, stand for the process's during a test. @returns what was written to it */
export function pretendStderr(t: TestContext, isTTY: boolean): () => string {
  const written: string[] = [];
  const stderr = { isTTY, columns: 72, write: (text: string) => written.push(text) };
  const own = Object.getOwnPropertyDescriptor(process, "stderr") as PropertyDescriptor;
  Object.defineProperty(process, "stderr", { ...own, get: () => stderr });
  t.after(() => Object.defineProperty(process, "stderr", own));
  return () => written.join("");
}

/** What a command tells results and notices. */
export const outputOf = (quiet: boolean, notice: Output["notice"] = () => {}): Output => ({
  json: false,
  quiet,
  color: false,
  width: undefined,
  result() {},
  notice,
});
