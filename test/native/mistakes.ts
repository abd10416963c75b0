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

/** Found by the plain tests. */
export const ALWAYS: readonly Mistake[] = [
  {
    name: "an index that is off by one",
    file: "kernels/winograd/tiles.h",
    right: "x < width",
    wrong: "x <= width",
    cases: "[3, 4, 4, 16] to 32",
    variant: "plain",
    found: /failed: 3x3, stride 1, \[3, 4, 4, 16\] to 32, forward, \w+, 1 thread: element \d+ is/,
  },
];

/** Found by sanitizers. All but one are in a file that few others include: the rest need not be compiled again. */
export const WITH_SANITIZERS: readonly Mistake[] = [
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
    name: "a job that is posted without the lock",
    file: "host/thread_pool.cc",
    right: "    std::lock_guard<std::mutex> lock(mutex_);\n    add(job);",
    wrong: "    add(job);",
    variant: "thread",
    cases: "four callers at once",
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
