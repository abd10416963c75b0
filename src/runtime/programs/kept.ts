import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { describeFailure, writeFileWhole } from "../../common/files/atomicFile.js";
import { counted } from "../../common/text.js";
import { nativeBackend } from "../native.js";
import { type Tensor, tf } from "../tf.js";
import { MEMORY_FOLDER, programsFolder, runPrograms } from "./folder.js";

interface CompiledProgram {
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

/** A folder's programs of a graph; damaged files are removed. @throws a system error where it cannot be read */
export function readPrograms(folder: string, graph: string): { programs: CompiledProgram[]; damaged: number } {
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

/** Keeps a program of a graph, whole or not at all. @throws a system error where it cannot be written */
export function writeProgram(folder: string, graph: string, program: CompiledProgram): void {
  const { name, bytes } = program;
  const path = join(folder, `${graph}-${name}${ENDING}`);
  mkdirSync(folder, { recursive: true });
  writeFileWhole(path, Buffer.concat([checksum(bytes), bytes]));
}

const place = (name: string): Tensor => tf.scalar(`${MEMORY_FOLDER}/${name}`, "string");

/** A string tensor of bytes, which tf.scalar would take for text. */
const bytesTensor = (bytes: Uint8Array): Tensor => tf.tensor([bytes] as unknown as string[], [], "string");

const namesInMemory = (): string[] =>
  tf.tidy(() => {
    const found = nativeBackend().executeSingleOutput("MatchingFiles", [], [place("*")]);
    return Array.from(found.dataSync<"string">(), (path) => path.slice(MEMORY_FOLDER.length + 1));
  });

const readFromMemory = (name: string): Uint8Array =>
  tf.tidy(() => {
    const backend = nativeBackend();
    const content = backend.executeSingleOutput("ReadFile", [], [place(name)]);
    const [id] = backend.getInputTensorIds([content]) as [number];
    const [bytes] = backend.binding.tensorDataSync(id) as unknown as Uint8Array[];
    return bytes as Uint8Array;
  });

/** Gives TensorFlow a program as if it had compiled it. */
function writeToMemory(name: string, bytes: Uint8Array): void {
  tf.tidy(() => {
    const backend = nativeBackend();
    const ids = backend.getInputTensorIds([place(name), bytesTensor(bytes)]);
    backend.binding.executeOp("WriteFile", [], ids, 0);
  });
}

/** The programs of one graph that XLA has compiled, in this process or an earlier one. */
export interface KeptPrograms {
  /** How many were there at first. */
  readonly count: number;
  /** Keeps what was compiled since. */
  keepNew(): void;
}

/** Called with warnings about cached programs. */
export type Say = (text: string) => void;

/** Names in TensorFlow's memory that are kept, or could not be. */
const settled = new Set<string>();

const reasonOf = (error: unknown): string => describeFailure(error as NodeJS.ErrnoException);

/** A folder's programs of a graph; those that cannot be read are a warning. */
function load(place: string, graph: string, say: Say): readonly CompiledProgram[] {
  try {
    const { programs, damaged } = readPrograms(place, graph);
    if (damaged > 0) {
      say(
        `${counted(damaged, "program")} of XLA cached in ${place} ${damaged === 1 ? "was" : "were"} corrupt; compiled again.`,
      );
    }
    return programs;
  } catch (error) {
    say(`The cached programs in ${place} could not be read: ${reasonOf(error)}. Compiled again.`);
    return [];
  }
}

/**
 * Hands TensorFlow the programs of a graph that are kept, a run's own before the cache's. They never make a run fail:
 * each has a checksum, damaged ones are compiled anew, and what cannot be read or written is a warning.
 */
export function keptPrograms(bytes: Uint8Array, say: Say): KeptPrograms {
  const [place, own] = [programsFolder(), runPrograms()];
  if (place === undefined) return { count: 0, keepNew() {} };
  const graph = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  let isWritable = true;
  const keep = (programs: () => readonly CompiledProgram[], folders: readonly string[]) => {
    if (!isWritable) return;
    try {
      for (const program of programs()) for (const folder of folders) writeProgram(folder, graph, program);
    } catch (error) {
      isWritable = false;
      say(
        `Compiled XLA programs could not be cached in ${folders.map(dirname).join(" and ")}: ${reasonOf(error)}. The run continues; the next one compiles again.`,
      );
    }
  };
  const ofRun = own === undefined ? [] : load(own, graph, say);
  const names = new Set(ofRun.map(({ name }) => name));
  const missing = load(place, graph, say).filter(({ name }) => !names.has(name));
  if (own !== undefined) keep(() => missing, [own]);
  for (const { name, bytes } of [...ofRun, ...missing]) {
    // Written twice, a file in TensorFlow's memory holds both.
    if (!settled.has(name)) writeToMemory(name, bytes);
    settled.add(name);
  }
  return {
    count: ofRun.length + missing.length,
    keepNew() {
      const kept = () => {
        const fresh = namesInMemory().filter((name) => !settled.has(name));
        for (const name of fresh) settled.add(name);
        return fresh.map((name) => ({ name, bytes: readFromMemory(name) }));
      };
      keep(kept, own === undefined ? [place] : [place, own]);
    },
  };
}

/** Checksum of the programs that are kept with a run, undefined without: other autotuned choices give another. */
export function programsSha256(): string | undefined {
  const own = runPrograms();
  if (own === undefined) return undefined;
  const hash = createHash("sha256");
  for (const name of namesIn(own).sort()) hash.update(name).update(readFileSync(join(own, name)));
  return hash.digest("hex");
}
