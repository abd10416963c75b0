import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { cacheDirectory } from "#pefd/common/cachePaths.js";
import { ROOT } from "../helpers/paths.js";

/** A copy of the files that git has, as a checkout has them, and of what is untracked and not ignored. */
export function copyCheckout(folder: string): void {
  const words = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const { stdout } = spawnSync("git", words, { cwd: ROOT, encoding: "utf8" });
  for (const name of stdout.split("\0").filter((file) => file !== "")) {
    if (!existsSync(join(ROOT, name))) continue;
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    cpSync(join(ROOT, name), join(folder, name));
  }
}

/** Packs a copy of the project, with the packages of this one. @returns the tarball */
export function packCheckout(folder: string): string {
  const copy = join(folder, "pefd");
  copyCheckout(copy);
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  const packed = spawnSync("npm", ["pack", "--pack-destination", folder], {
    cwd: copy,
    encoding: "utf8",
  });
  const name = readdirSync(folder).find((file) => file.endsWith(".tgz"));
  if (packed.status !== 0 || name === undefined) throw new Error(packed.stderr);
  return join(folder, name);
}

/**
 * Copies TensorFlow's files from this user's cache into another one, where they lie here, so that they need not be downloaded.
 * @param andCompiled whether what was compiled is copied as well
 */
export function lendTensorFlow(cache: string, andCompiled = false): void {
  const own = join(cacheDirectory(process.env, homedir()), "runtime");
  if (!existsSync(own)) return;
  mkdirSync(join(cache, "runtime"), { recursive: true });
  const wanted = andCompiled ? /^tensorflow-.*-cpu$|^bindings$/ : /^tensorflow-.*-cpu$/;
  for (const name of readdirSync(own).filter((entry) => wanted.test(entry))) {
    spawnSync("cp", ["-a", "--reflink=auto", join(own, name), join(cache, "runtime", name)]);
  }
}
