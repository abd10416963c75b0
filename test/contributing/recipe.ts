import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../helpers/paths.js";

/** What CONTRIBUTING.md says about adding one kind of thing. */
export interface Recipe {
  /** Its heading, such as "A model". */
  readonly title: string;
  /** New files, by their path in the project. */
  readonly files: readonly Block[];
  /** Files that try it and go away again. */
  readonly trials: readonly Block[];
  /** Lines that go into existing files. */
  readonly rows: readonly Block[];
  /** Command lines that then work, and those that take longer. */
  readonly commands: readonly string[];
  readonly slowCommands: readonly string[];
}

interface Block {
  readonly path: string;
  readonly text: string;
}

const BLOCK = /^```(ts|cpp|js|diff|sh)(?: (\S+))?\n(.*?)^```$/gms;

function recipeIn(section: string): Recipe {
  const [title = ""] = section.split("\n", 1);
  const blocks = [...section.matchAll(BLOCK)].map(([, kind, path = "", text = ""]) => ({
    kind,
    path,
    text,
  }));
  const of = (kind: string) => blocks.filter((block) => block.kind === kind);
  const lines = (path: string) =>
    of("sh")
      .filter((block) => block.path === path)
      .flatMap(({ text }) => text.trimEnd().split("\n"));
  return {
    title: title.trim(),
    files: [...of("ts"), ...of("cpp")],
    trials: of("js"),
    rows: of("diff"),
    commands: lines(""),
    slowCommands: lines("slow"),
  };
}

/** All recipes of CONTRIBUTING.md. */
export function recipes(): Recipe[] {
  const text = readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8");
  return text.split(/^### /m).slice(1).map(recipeIn);
}

/**
 * Text with the lines of a block put in: those that begin with a space are looked for, one after the other, and those
 * that begin with a plus go in behind the one before; those with a minus are looked for, too, and go.
 * @throws Error where a line is not there
 */
export function withRows(text: string, block: string): string {
  const lines = text.split("\n");
  let at = 0;
  for (const line of block.trimEnd().split("\n")) {
    const wanted = line.slice(1);
    if (line.startsWith("+")) lines.splice(at++, 0, wanted);
    else {
      const found = lines.indexOf(wanted, at);
      if (found < 0) throw new Error(`There is no line ${JSON.stringify(wanted)}.`);
      if (line.startsWith("-")) lines.splice(found, 1);
      at = line.startsWith("-") ? found : found + 1;
    }
  }
  return lines.join("\n");
}
