import { constants, writeSync } from "node:fs";
import { open, readlink, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { PefdError } from "../errors.js";
import { writeError, writeFileAtomic } from "./atomicFile.js";

/** This process's descriptors: its output, or a shell's `>(command)`. */
const OWN_DESCRIPTOR = /^\/(?:dev|proc\/(?:self|thread-self))\/fd\/(\d+)$/;
const STANDARD: Readonly<Record<string, number>> = { "/dev/stdout": 1, "/dev/stderr": 2 };

function ownDescriptor(path: string): number | undefined {
  const standard = STANDARD[path];
  const numbered = OWN_DESCRIPTOR.exec(path)?.[1];
  return standard ?? (numbered === undefined ? undefined : Number(numbered));
}

const bytesOf = (data: string | Uint8Array): Uint8Array => (typeof data === "string" ? Buffer.from(data) : data);

/** Blocks while a pipe is full. */
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

/** As many links as the kernel follows. */
const MOST_LINKS = 40;

async function targetOf(path: string): Promise<string> {
  let target = path;
  for (let links = 0; links < MOST_LINKS; links++) {
    const next = await readlink(target).catch(() => undefined);
    if (next === undefined) return target;
    target = resolve(dirname(target), next);
  }
  throw Object.assign(new Error("too many links"), { code: "ELOOP" });
}

/** Waits for a pipe's reader, as a shell does; creates and truncates nothing. */
async function writeInto(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, constants.O_WRONLY);
  try {
    await file.writeFile(bytes);
  } finally {
    await file.close();
  }
}

/** Writes a file that a user named, atomically if regular, devices and pipes as `>`. @throws as writeFileAtomic */
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
