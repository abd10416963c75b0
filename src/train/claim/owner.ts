import { statfsSync } from "node:fs";
import { hostname } from "node:os";
import { bootId, ownPid, pidNamespace, startOf } from "../../common/processMark.js";
import type { Owner } from "../../runFiles/stateFile.js";

/** What a lock tells of the process that left it: at work, gone, or not to be seen from here. */
export type Standing = "alive" | "gone" | "unknown";

/** This process, as a lock tells it. @param held whether the kernel keeps the lock for it */
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

/** Whether a lock was left in this very kernel's time: only then can its process be looked for, or its lock be tried. */
export const isOfThisKernel = ({ boot }: Owner): boolean => boot !== "" && boot === bootId();

/**
 * What can be said about an owner from what it wrote down.
 * @param path its lock, of which the file system is looked at
 */
export function standingOf(owner: Owner, path: string): Standing {
  if (isOfThisKernel(owner)) {
    if (owner.namespace !== pidNamespace()) return "unknown";
    return startOf(String(owner.pid)) === owner.started ? "alive" : "gone";
  }
  // The same machine before it was started again, unless machines of one name share the file system.
  const isEarlier = owner.boot !== "" && bootId() !== "" && owner.host === hostname();
  return isEarlier && isOfOneMachine(path) ? "gone" : "unknown";
}

/** "Process 17", "Process 17 of another container", "Process 17 on node3". */
export function nameOf(owner: Owner): string {
  if (owner.host !== hostname() && !isOfThisKernel(owner)) {
    return `Process ${owner.pid} on ${owner.host}`;
  }
  if (!isOfThisKernel(owner)) return `Process ${owner.pid} on another machine named ${owner.host}`;
  return owner.namespace === pidNamespace()
    ? `Process ${owner.pid}`
    : `Process ${owner.pid} of another container on this machine`;
}
