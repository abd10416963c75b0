import { randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { LOCK_FILE, sealedText } from "../../runFiles/stateFile.js";
import { kernelLock } from "./kernelLock.js";
import { ourselves } from "./owner.js";

/** A lock of ours: first under a name of its own, then in its place. */
export interface Draft {
  /** Its open file, on which the kernel's lock lies. */
  readonly file: number;
  readonly path: string;
}

/** The system's word for what went wrong, such as ENOENT. */
export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "";

/** A name in a run's folder that is cleared away when a killed process leaves it. @param unique 12 hexadecimal digits */
export const passingName = (runDir: string, unique: string): string => join(runDir, `.${LOCK_FILE}.${unique}.pefd-tmp`);

/** Writes a lock that nobody sees yet. @throws the system's error */
export function writeDraft(runDir: string): Draft {
  const path = passingName(runDir, randomBytes(6).toString("hex"));
  const draft = { path, file: openSync(path, "wx") };
  try {
    fill(draft.file);
  } catch (error) {
    discard(draft);
    throw error;
  }
  return draft;
}

/** On the disk before it is seen, so that a power cut leaves no empty lock of which nobody can tell anything. */
function fill(file: number): void {
  writeFileSync(file, sealedText(ourselves(kernelLock(file) === "held")));
  fsyncSync(file);
}

/** Removes what was not published. */
export function discard({ file, path }: Draft): void {
  removeIfPossible(path);
  closeSync(file);
}

/** What a disk refuses to remove is cleared away by whoever has the folder next. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

/** A lock is there already; or the process that has it took our draft for one that a killed process left. */
const OCCUPIED: ReadonlySet<string> = new Set(["EEXIST", "ENOENT"]);
/** The file system has no second names for a file. */
const WITHOUT_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/**
 * Puts a lock in its place, whole, unless there is one.
 * @returns the lock as it is held now; undefined where there is one already
 * @throws the system's error
 */
export function publish(draft: Draft, path: string): Draft | undefined {
  try {
    linkSync(draft.path, path);
    removeIfPossible(draft.path);
    return draft;
  } catch (error) {
    if (OCCUPIED.has(codeOf(error))) return undefined;
    if (WITHOUT_LINKS.has(codeOf(error))) return publishInPlace(draft, path);
    throw error;
  }
}

/** Where links are missing the lock is empty for a moment; whoever sees it then takes it for damaged and stays away. */
function publishInPlace(draft: Draft, path: string): Draft | undefined {
  const file = openUnlessThere(path);
  if (file === undefined) return undefined;
  try {
    fill(file);
  } catch (error) {
    discard({ file, path });
    throw error;
  }
  discard(draft);
  return { file, path };
}

function openUnlessThere(path: string): number | undefined {
  try {
    return openSync(path, "wx");
  } catch (error) {
    if (codeOf(error) === "EEXIST") return undefined;
    throw error;
  }
}

/** Puts a lock in the place of another. @returns undefined where the draft is gone. @throws the system's error */
export function replace(draft: Draft, path: string): Draft | undefined {
  try {
    renameSync(draft.path, path);
    return draft;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether an open file is what a path names now. */
export function isSameFile(file: number, path: string): boolean {
  const [open, there] = [fstatSync(file), statSync(path, { throwIfNoEntry: false })];
  return there !== undefined && open.ino === there.ino && open.dev === there.dev;
}
