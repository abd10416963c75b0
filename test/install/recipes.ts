import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../helpers/paths.js";

/** The lines that a CI recipe of docs/ci.md runs in a shell, in order. */
export function shellLines(file: string): string[] {
  const text = readFileSync(join(ROOT, "docs/ci.md"), "utf8");
  const [, recipe = ""] =
    text
      .split(`\`\`\`yaml ${file}\n`)
      .at(1)
      ?.match(/^([\s\S]*?)```/) ?? [];
  const steps = [...recipe.matchAll(/^ +- run: (.+)$/gm)].map(([, line = ""]) => line);
  if (steps.length > 0) return steps;
  const scripts = [...recipe.matchAll(/^ {2}(?:before_)?script:\n((?: {4}- .+\n)+)/gm)];
  return scripts.flatMap(([, lines = ""]) => [...lines.matchAll(/^ {4}- (.+)$/gm)].map(([, line = ""]) => line));
}
