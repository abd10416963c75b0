import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "./problem.js";
import { run } from "./run.js";

/**
 * TensorFlow.js for Node.js is no dependency of package.json: npm would run its install script, which downloads a
 * libtensorflow of its own, years older, and fails without. pefd takes its JavaScript and the sources of its binding.
 */
const NAME = "@tensorflow/tfjs-node-gpu";
const VERSION = "4.22.0";
const SHA512 = "p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==";

/** The parts that pefd uses. */
const PARTS = ["package.json", "binding.gyp", "binding", "dist"];

/** Where a checkout has it: where Node.js looks for it. */
export const tensorFlowJsFolder = (root) => join(root, "node_modules", NAME);

/** Whether a checkout has the version that it needs. */
export function tensorFlowJsIsThere(root) {
  const file = join(tensorFlowJsFolder(root), "package.json");
  return existsSync(file) && JSON.parse(readFileSync(file, "utf8")).version === VERSION;
}

/** Downloads the package as npm has it, compared with its checksum. @returns the archive */
async function download(folder, inherit) {
  const words = ["pack", `${NAME}@${VERSION}`, "--pack-destination", folder, "--dry-run=false"];
  const stdio = ["ignore", "ignore", 2, ...inherit]; // npm prints the archive's name
  const code = await run("npm", [...words, "--silent"], { cwd: folder, stdio });
  const archive = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  if (code !== 0 || archive === undefined) {
    throw new Problem(
      `${NAME} ${VERSION} could not be downloaded (npm pack exited with ${code}).`,
      "Check npm's message above and the network, then: npm run setup",
    );
  }
  const file = join(folder, archive);
  if (createHash("sha512").update(readFileSync(file)).digest("base64") === SHA512) return file;
  throw new Problem(
    `The registry served a file for ${NAME} ${VERSION} with another hash than the pinned one; it was not used.`,
    "Check npm's registry (npm config get registry), then: npm run setup",
  );
}

/**
 * Downloads TensorFlow.js for Node.js into a checkout whose packages are installed, replacing an earlier one.
 * @throws {Problem} when it cannot be downloaded
 */
export async function bringTensorFlowJs(root, inherit = []) {
  const target = tensorFlowJsFolder(root);
  const scratch = mkdtempSync(join(root, "node_modules/.tfjs-"));
  try {
    const archive = await download(scratch, inherit);
    const { x: extract } = await import("tar");
    const unpacked = join(scratch, "unpacked");
    mkdirSync(unpacked);
    const filter = (path) => PARTS.includes(path.split("/")[1]);
    await extract({ file: archive, cwd: unpacked, strip: 1, filter });
    rmSync(target, { recursive: true, force: true });
    renameSync(unpacked, target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
