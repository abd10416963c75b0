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

/** State of the process that wrote a lock; unknown where it cannot be seen from here. */
type Standing = "alive" | "gone" | "unknown";

/** A lock's record of this process. @param held whether it holds the kernel's lock (flock) */
export function ourselves(held: boolean): Owner {
  const pid = ownPid();
  return {
    host: hostname(),
    boot: bootId(),
    namespace: pidNamespace(),
    pid: Number(pid),
    started: startOf(pid),
    held,
  };
}

/** File systems that no two machines have mounted at once, by statfs: ext, XFS, btrfs, tmpfs, ZFS, F2FS. */
const OF_ONE_MACHINE = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x2fc12fc1, 0xf2f52010]);

const isOfOneMachine = (path: string): boolean => OF_ONE_MACHINE.has(statfsSync(path).type);

/** Whether a lock was written since this kernel booted: only then can its process be looked up, or its flock be tried. */
const isOfThisKernel = ({ boot }: Owner): boolean => boot !== "" && boot === bootId();

/**
 * An owner's state from its record.
 * @param path its lock; its file system matters
 */
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

/** Result of an attempt; unavailable where the kernel, the file system or the machine has no flock. */
type KernelLock = "held" | "taken" | "unavailable";

/** Exit code of util-linux' and BusyBox' flock, with empty stderr, where another process holds the lock. */
const TAKEN = 1;

/**
 * Takes flock(2) on an open file, without waiting. It belongs to the open file description, so it stays with this process
 * after the program exits, is released however this process ends, and holds in all namespaces of the machine. Node.js has
 * no call for it.
 * @param file a file descriptor; closing it releases the lock
 */
function kernelLock(file: number): KernelLock {
  const { status, stderr, error } = spawnSync("flock", ["-n", "3"], {
    stdio: ["ignore", "ignore", "pipe", file],
  });
  if (error !== undefined) return "unavailable";
  if (status === 0) return "held";
  return status === TAKEN && stderr.length === 0 ? "taken" : "unavailable";
}

/** A lock of ours: first under a name of its own, then in its place. */
interface Draft {
  /** Descriptor of its open file, which holds the flock. */
  readonly file: number;
  readonly path: string;
}

/** The system's error code, such as ENOENT. */
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "";

/** A temporary name in a run's folder; leftovers of killed processes are removed. @param unique 12 hexadecimal digits */
const passingName = (runDir: string, unique: string): string => join(runDir, `.${LOCK_FILE}.${unique}.pefd-tmp`);

/** Writes a lock that nobody sees yet. @throws the system's error */
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

/** Removes what was not published. */
function discard({ file, path }: Draft): void {
  removeIfPossible(path);
  closeSync(file);
}

/** A file that cannot be removed now is removed by the folder's next owner. */
function removeIfPossible(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

/** There is a lock already; or its owner removed our draft as a killed process's leftover. */
const OCCUPIED: ReadonlySet<string> = new Set(["EEXIST", "ENOENT"]);
/** The file system has no hard links. */
const WITHOUT_LINKS: ReadonlySet<string> = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

/**
 * Puts a lock in its place, whole, unless there is one.
 * @returns the lock as it is held now; undefined where there is one already
 * @throws the system's error
 */
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
function replace(draft: Draft, path: string): Draft | undefined {
  try {
    renameSync(draft.path, path);
    return draft;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether an open file is the one at a path now. */
function isSameFile(file: number, path: string): boolean {
  const [open, there] = [fstatSync(file), statSync(path, { throwIfNoEntry: false })];
  return there !== undefined && open.ino === there.ino && open.dev === there.dev;
}

/**
 * Replaces a lock whose process is gone. Of several processes that find it so only one does: the one that has the
 * kernel's lock on it, or, without such locks, the one that makes a file named after it.
 * @returns our lock, or undefined where the lock is changing
 * @throws inputError where its process is at work, or may be; the system's error
 */
function takeOver(draft: Draft, path: string, runDir: string): Draft | undefined {
  const file = openIfThere(path);
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

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * A process that exists is alive. One that cannot be seen is judged by its flock, if it held one. A dead process's lock
 * may be held for a moment by another process that is replacing it.
 */
function judged(owner: Owner, path: string, kernel: KernelLock): Standing {
  const standing = standingOf(owner, path);
  if (standing !== "unknown") return standing;
  if (kernel === "taken") return "alive";
  return kernel === "held" && owner.held && isOfThisKernel(owner) ? "gone" : "unknown";
}

/** Whether no other process is replacing this lock. A killed process's attempt is removed. */
function isFirst(draft: Draft, owner: Owner, runDir: string): boolean {
  const digest = createHash("sha256").update(JSON.stringify(owner)).digest("hex");
  const mark = passingName(runDir, digest.slice(0, 12));
  try {
    copyFileSync(draft.path, mark, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
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

/** A run's folder that is this process's. */
export interface FolderLock {
  /** The folder was renamed, and the lock in it. */
  moved(runDir: string): void;
  /** Gives the folder back; safe to call twice. */
  release(): void;
}

const ATTEMPTS = 50;
const PAUSE_MS = 20;

/**
 * Claims a run's folder for this process. The lock appears whole or not at all, and the kernel keeps it for as long as
 * this process lives, where it can (docs/adr/0008). A lock of a process that is surely gone is taken over.
 * @param runDir must exist
 * @throws inputError that names the process at work there, or one of which nobody can tell from here; runError where
 * the folder cannot be written
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

/** Only processes that start in the same moment are waited for. */
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
        // A lock by which somebody else took the folder over stays.
        if (isSameFile(file, at)) rmSync(at, { force: true });
      } catch {
        // A disk that refuses leaves a lock that the kernel no longer keeps: the next process takes it over.
      } finally {
        closeSync(file);
      }
    },
  };
}

/** The process id of a run folder's live owner; undefined where there is none, or it cannot be seen from here. */
export function workingProcess(runDir: string): number | undefined {
  const path = join(runDir, LOCK_FILE);
  const found = readStateFile(path, LOCK);
  if (found.state !== "whole") return undefined;
  return standingOf(found.content, path) === "alive" ? found.content.pid : undefined;
}
