import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../helpers/paths.js";
import { buildNativeTests, OBJECTS } from "./scripts.js";

/** A mutant in a scratch copy of the sources, and the case that kills it. */
export interface Mistake {
  readonly name: string;
  readonly file: string;
  readonly right: string;
  readonly wrong: string;
  readonly variant: string;
  /** A word of the cases to run. */
  readonly cases: string;
  readonly found: RegExp;
}

const OFF_BY_ONE = {
  file: "kernels/winograd/tiles.h",
  right: "x < width",
  wrong: "x <= width",
  cases: "[3, 4, 4, 16] to 32",
};

/** Found by the plain tests. */
export const ALWAYS: readonly Mistake[] = [
  {
    ...OFF_BY_ONE,
    name: "an index that is off by one",
    variant: "plain",
    found: /failed: 3x3, stride 1, \[3, 4, 4, 16\] to 32, forward, \w+, 1 thread: element \d+ is/,
  },
];

/** Found by sanitizers. */
export const WITH_SANITIZERS: readonly Mistake[] = [
  {
    ...OFF_BY_ONE,
    name: "an index that is off by one, behind the last pixel",
    variant: "address and undefined",
    found: /AddressSanitizer: heap-buffer-overflow/,
  },
  {
    name: "an index that is off by one, in memory that somebody else owns",
    file: "host/workspace.cc",
    right: "block.size < size",
    wrong: "block.size + LINE_FLOATS < size",
    variant: "address and undefined",
    cases: "scratch memory",
    found: /AddressSanitizer: heap-buffer-overflow/,
  },
  {
    name: "rows of a resized image that are a byte too short for whole vectors",
    file: "kernels/kernels.h",
    right: "3 * count + 2 * PADDED - 1",
    wrong: "3 * count + PADDED - 1",
    variant: "address and undefined",
    cases: "resize",
    found: /AddressSanitizer: (heap-buffer-overflow|unknown-crash)/,
  },
  {
    name: "threads that share one worker's memory",
    file: "kernels/common.h",
    right: "memory + worker * apart",
    wrong: "memory + worker * 0 * apart",
    variant: "thread",
    cases: "2 threads",
    found: /ThreadSanitizer: data race/,
  },
  {
    name: "a number that no enumeration has",
    file: "ops/geometry.cc",
    right: "opcode < OPCODES",
    wrong: "opcode <= OPCODES",
    variant: "address and undefined",
    cases: "program refused",
    found: /failed: program refused: The program holds an unknown opcode/,
  },
];

/** The output of the tests for a mutant; they must fail. */
export async function outputWith(mistake: Mistake, folder: string): Promise<string> {
  const [sources, tests] = [join(folder, "src/native"), join(folder, "test/native")];
  cpSync(join(ROOT, "src/native"), sources, { recursive: true });
  cpSync(join(ROOT, "test/native"), tests, { recursive: true });
  const file = join(sources, mistake.file);
  const text = readFileSync(file, "utf8");
  assert.ok(text.includes(mistake.right), `${mistake.file} has no ${mistake.right} any more`);
  writeFileSync(file, text.replace(mistake.right, mistake.wrong));
  const { variant } = mistake;
  const program = await buildNativeTests({ sources, tests, objects: OBJECTS, variant });
  const { status, stdout, stderr } = spawnSync(program, [mistake.cases], { encoding: "utf8" });
  assert.notEqual(status, 0, `nobody has noticed: ${stdout}`);
  return stdout + stderr;
}
