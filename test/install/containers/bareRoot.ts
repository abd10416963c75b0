import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, realpathSync, rmSync, statSync, symlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Ended, runProgram } from "../../helpers/pefd.js";

/** A root folder of a bare Debian (debootstrap), which .ci/peers.sh makes. */
const BARE = process.env.PEFD_BARE_ROOT ?? "";

/** Why no program can be run in a root folder of its own here, if none can. */
export function rootProblem(): string | false {
  if (!existsSync(join(BARE, "bin/sh"))) return "PEFD_BARE_ROOT names no root folder of a Debian";
  const { status } = spawnSync("unshare", ["--mount", "--pid", "--fork", "true"]);
  return status !== 0 && "unshare is not allowed here";
}

/** By what this machine reaches the package registries, if it has to be told. */
const WAYS = /^(?:PIP_|https?_proxy$|no_proxy$|.*(?:CERT|CA_BUNDLE|CA_CERTS)\w*$)/i;

/** Files that say the same. */
const WAY_FILES = ["etc/resolv.conf", "etc/pip.conf", "etc/ssl/certs", "etc/apt/apt.conf.d"];

/** What the image node:22 has beside Debian: Node.js with its headers, and npm, here this machine's. */
function addNode(root: string): void {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  for (const path of ["bin/node", "include/node", "lib/node_modules/npm"]) {
    cpSync(join(prefix, path), join(root, "usr/local", path), { recursive: true });
  }
  for (const name of ["npm", "npx"]) {
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, "usr/local/bin", name));
  }
}

/** @param root an empty folder that becomes a copy of the bare Debian with Node.js */
export function makeRoot(root: string): void {
  spawnSync("cp", ["-a", `${BARE}/.`, root]);
  for (const path of WAY_FILES.filter((file) => existsSync(join("/", file)))) {
    rmSync(join(root, path), { recursive: true, force: true });
    cpSync(join("/", path), join(root, path), { recursive: true, verbatimSymlinks: true });
  }
  addNode(root);
}

/** What a container has of the machine: processes of its own and devices. */
const ENTER = `
mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" || exit 125
exec chroot "$0" /bin/sh -c 'cd "$0" && exec "$@"' "$@"`;

/**
 * A file that an environment variable names, such as one of certificates, as it is named in the root folder: where no package
 * of the container's puts another in its place. Any other value as it is.
 */
function lent(root: string, value: string): string {
  if (!statSync(value, { throwIfNoEntry: false })?.isFile()) return value;
  const place = join("/lent", basename(value));
  mkdirSync(join(root, "lent"), { recursive: true });
  cpSync(value, join(root, place));
  return place;
}

/** Runs a program in a root folder, as a container does, in a folder of it. */
export function runInRoot(
  root: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
  words: readonly string[],
): Promise<Ended> {
  mkdirSync(join(root, cwd), { recursive: true });
  const ways = Object.entries(process.env)
    .filter(([name]) => WAYS.test(name))
    .map(([name, value = ""]) => [name, lent(root, value)]);
  const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const inside = ["--mount", "--pid", "--fork", "sh", "-c", ENTER, root, cwd, ...words];
  return runProgram("unshare", inside, {
    env: { ...Object.fromEntries(ways), HOME: "/root", PATH, ...env },
  });
}
