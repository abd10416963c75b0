import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, hostname } from "node:os";
import { join } from "node:path";

/** Where a small Slurm keeps everything. */
export const slurmFiles = (folder: string) => ({
  configuration: join(folder, "slurm.conf"),
  key: join(folder, "munge.key"),
  socket: join(folder, "munge.socket"),
  hold: join(folder, "hold"),
});

/**
 * One node, this machine, reached over the loopback alone; nothing is limited by cgroups or kept by accounting.
 * A task that is queued again waits until its first start's credential has expired: ten seconds, not two minutes.
 */
function configuration(folder: string, ports: readonly [number, number]): string {
  const host = hostname().split(".")[0];
  const user = process.getuid?.();
  return `
ClusterName=pefd
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=${user}
SlurmdUser=${user}
AuthType=auth/munge
AuthInfo=socket=${slurmFiles(folder).socket},cred_expire=10
CredType=cred/munge
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
TaskProlog=${folder}/prolog
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SchedulerParameters=sched_interval=2
KillWait=10
GresTypes=gpu
NodeName=${host} NodeAddr=127.0.0.1 CPUs=${availableParallelism()} RealMemory=100 Gres=gpu:1
PartitionName=main Nodes=ALL Default=YES
PartitionName=small Nodes=ALL
`;
}

/** A task has begun, as Slurm sees it, but its run waits as long as there is a file `hold`. */
const prolog = (folder: string): string => `#!/bin/sh\nwhile [ -e '${slurmFiles(folder).hold}' ]; do sleep 0.2; done\n`;

/** Writes the files of a small Slurm with two partitions, main and small, and a node that says it has one GPU. */
export function writeConfiguration(folder: string, ports: readonly [number, number]): void {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write("slurm.conf", configuration(folder, ports));
  write("cgroup.conf", "CgroupPlugin=disabled\n");
  write("gres.conf", "Name=gpu Count=1 File=/dev/null\n");
  write("prolog", prolog(folder));
  chmodSync(join(folder, "prolog"), 0o755);
  for (const name of ["state", "spool"]) mkdirSync(join(folder, name));
}
