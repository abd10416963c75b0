import { constants, writeSync } from "node:fs";
import { open, readlink, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { PefdError } from "../errors.js";
import { writeError, writeFileAtomic } from "./atomicFile.js";

/** The names of this process's own open files: its output, or what a shell's `>(command)` opens. */
const OWN_DESCRIPTOR = /^\/(?:dev|proc\/(?:self|thread-self))\/fd\/(\d+)$/;
const STANDARD: Readonly<Record<string, number>> = { "/dev/stdout": 1, "/dev/stderr": 2 };

function ownDescriptor(path: string): number | undefined {
  const standard = STANDARD[path];
  const numbered = OWN_DESCRIPTOR.exec(path)?.[1];
  return standard ?? (numbered === undefined ? undefined : Number(numbered));
}

const bytesOf = (data: string | Uint8Array): Uint8Array => (typeof data === "string" ? Buffer.from(data) : data);

/** As long as the reader of a pipe takes. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** Links may lead on and on; as many as the kernel follows. */
const MOST_LINKS = 40;

/** Where a link leads, whether something is there or not; the path itself where it is no link. */
async function targetOf(path: string): Promise<string> {
  let target = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    const next = await readlink(target).catch(() => undefined);
    if (next === undefined) return target;
    target = resolve(dirname(target), next);
  }
  throw Object.assign(new Error("too many links"), { code: "ELOOP" });
}

/** A pipe waits here for its reader, as it does in a shell; nothing is made, nothing is cut. */
async function writeInto(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, constants.O_WRONLY);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

/**
 * Writes a file that a user named. A regular file or a new one is written whole or not at all, and a link stays a link
 * to it; a device or a pipe is written to, as a shell's `>` does; `/dev/stdout` is this process's own output.
 * @throws runError or inputError as writeFileAtomic does
 */
export async function writeOutputFile(path: string, data: string | Uint8Array): Promise<void> {
  const own = ownDescriptor(path);
  try {
    if (own !== undefined) return writeAll(own, bytesOf(data));
    const found = await stat(path).catch(() => undefined);
    const isOpenEnded = found !== undefined && !found.isFile() && !found.isDirectory();
    if (isOpenEnded) return await writeInto(path, bytesOf(data));
    await writeFileAtomic(await targetOf(path), data);
  } catch (error) {
    throw error instanceof PefdError ? error : await writeError(path, error);
  }
}
