import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "#pefd/common/random.js";
import { sealedText } from "#pefd/runFiles/stateFile.js";
import { mutate } from "../../checkpoint/mutate.js";
import { mutateJson } from "../../helpers/mutateJson.js";

const FILES = ["config.json", "epochs.csv", "result.json"] as const;

const CELLS = ["", "-1", "0", "1e400", "NaN", "0x10", "1,2", "\u001b[2J", "=1+1", "99999999999999999999"];

/** Cells and lines of a table go, change or come twice. */
function mutateLines(text: string, random: Random): string {
  const lines = text.split("\n");
  for (let left = 1 + random.integer(3); left > 0; left--) {
    const at = random.integer(lines.length);
    const cells = (lines[at] ?? "").split(",");
    const changed = [...cells];
    changed[random.integer(cells.length)] = CELLS[random.integer(CELLS.length)] ?? "";
    const kind = random.integer(4);
    if (kind < 2) lines[at] = changed.join(",");
    else if (kind === 2) lines.splice(at, 1);
    else lines.splice(random.integer(lines.length), 0, lines[at] ?? "");
  }
  return lines.join("\n");
}

/** The text of a state file with another content; every other one fits its checksum again. */
function mutateState(text: string, random: Random): string {
  const { checksum: _, ...content } = JSON.parse(text);
  const mutated = mutateJson(content, random);
  const isSealed = typeof mutated === "object" && mutated !== null && random.integer(2) === 0;
  return isSealed ? sealedText(mutated) : JSON.stringify(mutated);
}

function mutatedText(path: string, random: Random): string | Buffer {
  const text = readFileSync(path, "utf8");
  if (random.integer(6) === 0) return mutate(Buffer.from(text), random, Buffer.from(text));
  return path.endsWith(".csv") ? mutateLines(text, random) : mutateState(text, random);
}

function mutateFile(path: string, random: Random): void {
  if (random.integer(8) === 0) rmSync(path);
  else writeFileSync(path, mutatedText(path, random));
}

/** Changes one to three files of a run, most often one. */
export function mutateRun(dir: string, random: Random): void {
  const files = new Set(Array.from({ length: [1, 1, 2, 3][random.integer(4)] ?? 1 }, () => random.integer(3)));
  for (const index of files) mutateFile(join(dir, FILES[index] ?? ""), random);
}
