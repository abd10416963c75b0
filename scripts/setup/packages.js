import { existsSync, lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "./problem.js";
import { run } from "./run.js";

const readJson = (file) => JSON.parse(readFileSync(file, "utf8"));

/** npm's record of its last complete installation. */
function installedPackages(root) {
  try {
    return readJson(join(root, "node_modules/.package-lock.json")).packages;
  } catch {
    return undefined;
  }
}

function isInstalled(root, path, locked, installed) {
  if (installed === undefined) return locked.optional === true;
  const same = installed.version === locked.version && installed.integrity === locked.integrity;
  return same && existsSync(join(root, path, "package.json"));
}

/** Whether node_modules holds exactly what package-lock.json asks for. */
export function packagesAreInstalled(root) {
  const installed = installedPackages(root);
  if (installed === undefined) return false;
  const wanted = Object.entries(readJson(join(root, "package-lock.json")).packages);
  return wanted.every(([path, locked]) => path === "" || isInstalled(root, path, locked, installed[path]));
}

/** Installs what package-lock.json asks for. */
export async function installPackages(root, inherit) {
  if (lstatSync(join(root, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new Problem(
      "node_modules is a link to a folder that lacks what package-lock.json asks for.",
      "Run npm ci in the folder that it links to.",
    );
  }
  const args = ["ci", "--ignore-scripts", "--include=dev", "--no-audit", "--no-fund"];
  const code = await run("npm", args, { cwd: root, inherit });
  if (code === 0) return;
  throw new Problem(
    `npm could not install the packages (npm ci exited with ${code}).`,
    "Check npm's message above and the network, then: npm run setup",
  );
}
