import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../helpers/paths.js";

/** One line of a Dockerfile: RUN and what is run, with continued lines as one. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** One image that a Dockerfile makes on the way to the last one. */
export interface Stage {
  /** As COPY --from names it. */
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** The stages of the project's Dockerfile, in order. */
export function readDockerfile(): Stage[] {
  const text = readFileSync(join(ROOT, "Dockerfile"), "utf8");
  const lines = text
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n/g, " ")
    .split("\n");
  const instructions = lines
    .map((line) => /^([A-Z]+) +(.*)$/.exec(line))
    .filter((found) => found !== null)
    .map(([, name = "", rest = ""]) => ({ name, text: rest }));
  const stages: { name: string | undefined; instructions: Instruction[] }[] = [];
  for (const instruction of instructions) {
    if (instruction.name === "FROM") {
      stages.push({ name: / AS (\w+)$/.exec(instruction.text)?.[1], instructions: [] });
    } else {
      stages.at(-1)?.instructions.push(instruction);
    }
  }
  return stages;
}

/** The words of `NAME=VALUE ...`, with ${NAME} replaced by what is known of it. */
export function settings(text: string, known: Readonly<Record<string, string>>) {
  const words = text.split(/ +/).map((word) => word.split("=") as [string, string]);
  const value = (raw: string) => raw.replaceAll(/\$\{(\w+)\}/g, (_, name) => known[name] ?? "");
  return Object.fromEntries(words.map(([name, raw]) => [name, value(raw)]));
}
