import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { inputError, PefdError, runError } from "../../common/errors.js";
import { describeFailure } from "../../common/files/atomicFile.js";
import { bootId, ownPid, pidNamespace, startOf } from "../../common/processMark.js";
import { shellWord } from "../../common/text.js";
import { LOCK, LOCK_FILE, type Owner, readStateFile, sealedText } from "../../runFiles/stateFile.js";

/** State of a lock's process; unknown if not visible from here. */
type Standing = "alive" | "gone" | "unknown";

/** This process's record for a lock. @param held whether it holds the kernel's lock (flock) */
export function ourselves(held: boolean): Owner {
  const pid = ownPid();
  return { host: hostname(), boot: bootId(), namespace: pidNamespace(), pid: Number(pid), started: startOf(pid), held };
}

/** File systems mounted by one machine at a time, by statfs: ext, XFS, btrfs, tmpfs, ZFS, F2FS. */
const OF_ONE_MACHINE = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x2fc12fc1, 0xf2f52010]);

const isOfOneMachine = (path: string): boolean => OF_ONE_MACHINE.has(statfsSync(path).type);

/** Whether a lock is of this boot: only then can its process or flock be checked. */
const isOfThisKernel = ({ boot }: Owner): boolean => boot !== "" && boot === bootId();

/** An owner's state from its record. @param path its lock, for its file system */
function standingOf(owner: Owner, path: string): Standing {
  if (isOfThisKernel(owner)) {
    if (owner.namespace !== pidNamespace()) return "unknown";
    return startOf(String(owner.pid)) === owner.started ? "alive" : "gone";
  }
  // The same machine before a reboot, unless machines of one name share the file system.
  const isEarlier = owner.boot !== "" && bootId() !== "" && owner.host === hostname();
  return isEarlier && isOfOneMachine(path) ? "gone" : "unknown";
}

/** "Process 17", "Process 17 of another container", "Process 17 on node3". */
function nameOf(owner: Owner): string {
  if (owner.host !== hostname() && !isOfThisKernel(owner)) {
    return `Process ${owner.pid} on ${owner.host}`;
  }
  if (!isOfThisKernel(owner)) return `Process ${owner.pid} on another machine named ${owner.host}`;
  return owner.namespace === pidNamespace()
    ? `Process ${owner.pid}`
    : `Process ${owner.pid} of another container on this machine`;
}

/** Unavailable where kernel, file system or machine have no flock. */
type KernelLock = "held" | "taken" | "unavailable";

/** Exit code of util-linux' and BusyBox' flock, with empty stderr, for a lock held elsewhere. */
const TAKEN = 1;

/**
 * flock(2) without waiting, through a program, as Node.js has no call for it. It belongs to the open file description,
 * so it outlasts that program, ends with this process, and holds in all namespaces of the machine.
 * @param file descriptor; closing it releases the lock
 */
function kernelLock(file: number): KernelLock {
  const { status, stderr, error } = spawnSync("flock", ["-n", "3"], { stdio: ["ignore", "ignore", "pipe", file] });
  if (error !== undefined) return "unavailable";
  if (status === 0) return "held";
  return status === TAKEN && stderr.length === 0 ? "taken" : "unavailable";
}

/** Our lock: first under a temporary name, then in its place. */
interface Draft {
  /** Its descriptor holds the flock. */
  readonly file: number;
  readonly path: string;
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "";

/** Leftovers of killed processes are removed by this name. @param unique 12 hexadecimal digits */
const passingName = (runDir: string, unique: string): string => join(runDir, `.${LOCK_FILE}.${unique}.pefd-tmp`);

function writeDraft(runDir: string): Draft {
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

/** Synced before it is visible, so that a power cut leaves no empty lock. */
function fill(file: number): void {
  writeFileSync(file, sealedText(ourselves(kernelLock(file) === "held")));
  fsyncSync(file);
}

function discard({ file, path }: Draft): void {
  removeIfPossible(path);
  closeSync(file);
}

/** Otherwise the folder's next owner removes it. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

/** A lock exists, or its owner removed our draft as a leftover. */
const OCCUPIED: ReadonlySet<string> = new Set(["EEXIST", "ENOENT"]);
const THERE: ReadonlySet<string> = new Set(["EEXIST"]);
const GONE: ReadonlySet<string> = new Set(["ENOENT"]);
/** The file system has no hard links. */
const WITHOUT_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/** The result of an action; undefined where the system refuses it with one of these codes. @throws its other errors */
function unless<Result>(codes: ReadonlySet<string>, action: () => Result): Result | undefined {
  try {
    return action();
  } catch (error) {
    if (codes.has(codeOf(error))) return undefined;
    throw error;
  }
}

/** Puts a complete lock in its place unless one exists. @returns undefined if so @throws the system's error */
function publish(draft: Draft, path: string): Draft | undefined {
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

/** Without hard links the lock is empty for a moment; others then take it for damaged and stay away. */
function publishInPlace(draft: Draft, path: string): Draft | undefined {
  const file = unless(THERE, () => openSync(path, "wx"));
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

/** @returns undefined where the draft is gone @throws the system's error */
const replace = (draft: Draft, path: string): Draft | undefined =>
  unless(GONE, () => {
    renameSync(draft.path, path);
    return draft;
  });

function isSameFile(file: number, path: string): boolean {
  const [open, there] = [fstatSync(file), statSync(path, { throwIfNoEntry: false })];
  return there !== undefined && open.ino === there.ino && open.dev === there.dev;
}

/**
 * Replaces a dead process's lock. Only one process succeeds: the one with the flock, or, without flock, the one that
 * first creates a file named after the lock.
 * @returns undefined while the lock is changing
 * @throws inputError for a process that is or may be alive; the system's error
 */
function takeOver(draft: Draft, path: string, runDir: string): Draft | undefined {
  const file = unless(GONE, () => openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
  if (file === undefined) return undefined;
  try {
    const kernel = kernelLock(file);
    if (!isSameFile(file, path)) return undefined;
    const owner = ownerIn(path, runDir);
    const standing = judged(owner, path, kernel);
    if (standing !== "gone") throw refusal(owner, standing, runDir);
    const isOurTurn = kernel === "held" || (kernel === "unavailable" && isFirst(draft, owner, runDir));
    return isOurTurn && isSameFile(file, path) ? replace(draft, path) : undefined;
  } finally {
    closeSync(file);
  }
}

/** A process that cannot be seen is judged by its flock; a dead one's may be held by who is replacing the lock. */
function judged(owner: Owner, path: string, kernel: KernelLock): Standing {
  const standing = standingOf(owner, path);
  if (standing !== "unknown") return standing;
  if (kernel === "taken") return "alive";
  return kernel === "held" && owner.held && isOfThisKernel(owner) ? "gone" : "unknown";
}

/** Whether nobody else is replacing this lock; a killed process's attempt is removed. */
function isFirst(draft: Draft, owner: Owner, runDir: string): boolean {
  const digest = createHash("sha256").update(JSON.stringify(owner)).digest("hex");
  const mark = passingName(runDir, digest.slice(0, 12));
  const isMarked = unless(THERE, () => {
    copyFileSync(draft.path, mark, constants.COPYFILE_EXCL);
    return true;
  });
  if (isMarked) return true;
  const other = readStateFile(mark, LOCK);
  if (other.state === "whole" && standingOf(other.content, mark) === "gone") rmSync(mark);
  return false;
}

const removal = (runDir: string): string => `rm ${shellWord(join(runDir, LOCK_FILE))}, then type this again.`;

function ownerIn(path: string, runDir: string): Owner {
  const found = readStateFile(path, LOCK);
  if (found.state === "whole") return found.content;
  const why = found.state === "damaged" ? found.reason : "it is gone";
  throw inputError(
    `${path} is damaged (${why}), so a process may be working in ${runDir}.`,
    `If none is: ${removal(runDir)}`,
  );
}

function refusal(owner: Owner, standing: Standing, runDir: string): PefdError {
  return standing === "alive"
    ? inputError(
        `${nameOf(owner)} is working in ${runDir}.`,
        "Wait for it, or stop it; `pefd watch` shows how far it is.",
      )
    : inputError(
        `${nameOf(owner)} is working in ${runDir}, or was killed there.`,
        `Wait for it, or stop it there. If it is gone: ${removal(runDir)}`,
      );
}

export interface FolderLock {
  /** After a rename of the folder. */
  moved(runDir: string): void;
  /** Idempotent. */
  release(): void;
}

const ATTEMPTS = 50;
const PAUSE_MS = 20;

/**
 * Claims a run's folder for this process's life (docs/adr/0008): the lock appears atomically, with flock where
 * available; a dead process's lock is replaced.
 * @param runDir must exist
 * @throws inputError with the process that is or may be at work there; runError for an unwritable folder
 */
export function lockRunFolder(runDir: string): FolderLock {
  const path = join(runDir, LOCK_FILE);
  const draft = guarded(runDir, () => writeDraft(runDir));
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const own = guarded(runDir, () => publish(draft, path) ?? takeOver(draft, path, runDir));
      if (own !== undefined) return heldLock(own, path);
      pause();
    }
    throw inputError(`Other processes are starting in ${runDir}.`, "Wait for them, or stop them.");
  } catch (error) {
    discard(draft);
    throw error;
  }
}

/** Only for processes that start at the same moment. */
const pause = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);

function guarded<Result>(runDir: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (error instanceof PefdError) throw error;
    throw runError(`The folder ${runDir} cannot be claimed: ${describeFailure(error as NodeJS.ErrnoException)}.`);
  }
}

function heldLock({ file }: Draft, path: string): FolderLock {
  let [at, isOpen] = [path, true];
  return {
    moved(runDir) {
      at = join(runDir, LOCK_FILE);
    },
    release() {
      if (!isOpen) return;
      isOpen = false;
      try {
        // Somebody else's lock stays.
        if (isSameFile(file, at)) rmSync(at, { force: true });
      } catch {
        // A lock left on disk is no longer held by the kernel: the next process replaces it.
      } finally {
        closeSync(file);
      }
    },
  };
}

/** Pid of a run folder's live owner; undefined without one, or if not visible from here. */
export function workingProcess(runDir: string): number | undefined {
  const path = join(runDir, LOCK_FILE);
  const found = readStateFile(path, LOCK);
  if (found.state !== "whole") return undefined;
  return standingOf(found.content, path) === "alive" ? found.content.pid : undefined;
}
