import { createHash, randomBytes } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** One compiled program. */
export interface CompiledProgram {
  /** As TensorFlow names it. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const ENDING = ".xla";
const SUM_BYTES = 32;

const checksum = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** The bytes of a kept file; undefined where they are not those that were written. */
function contentOf(path: string): Uint8Array | undefined {
  if (!lstatSync(path).isFile()) return undefined;
  const content = readFileSync(path);
  const bytes = content.subarray(SUM_BYTES);
  return checksum(bytes).equals(content.subarray(0, SUM_BYTES)) ? bytes : undefined;
}

/** Tells that a file is in use, so that it goes last. */
function touch(path: string): void {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // A folder of somebody else's still serves.
  }
}

/**
 * The programs that a folder keeps of one graph. Files that are not what was written (damaged, or anybody's) are
 * removed.
 * @param graph a word for the graph
 * @returns how many were damaged; nothing at all where there is no such folder
 * @throws a system error where the folder cannot be read
 */
export function readPrograms(
  folder: string,
  graph: string,
): { programs: CompiledProgram[]; damaged: number } {
  const programs: CompiledProgram[] = [];
  let damaged = 0;
  for (const file of namesIn(folder)) {
    if (!file.startsWith(`${graph}-`) || !file.endsWith(ENDING)) continue;
    const path = join(folder, file);
    const bytes = contentOf(path);
    if (bytes === undefined) {
      damaged += 1;
      rmSync(path, { recursive: true, force: true });
    } else {
      touch(path);
      programs.push({ name: file.slice(graph.length + 1, -ENDING.length), bytes });
    }
  }
  return { programs, damaged };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

/**
 * Keeps a program of a graph, whole or not at all.
 * @throws a system error where it cannot be written
 */
export function writeProgram(folder: string, graph: string, program: CompiledProgram): void {
  const { name, bytes } = program;
  const path = join(folder, `${graph}-${name}${ENDING}`);
  const temporary = join(folder, `.${randomBytes(6).toString("hex")}.pefd-tmp`);
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(temporary, Buffer.concat([checksum(bytes), bytes]), { flag: "wx" });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
