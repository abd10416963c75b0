// What npm runs before and after it packs (prepack, postpack): the compiled program, and in vendor/ what pefd takes of
// TensorFlow.js for Node.js, go into the package; vendor/ is removed again.
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, isBuilt, PRODUCT } from "./setup/build.js";
import { installPackages, packagesAreInstalled } from "./setup/packages.js";
import { fail } from "./setup/problem.js";
import { ROOT } from "./setup/setup.js";
import { bringTensorFlowJs, tensorFlowJsFolder, tensorFlowJsIsThere } from "./setup/tensorFlowJs.js";

const VENDOR = join(ROOT, "vendor/tfjs-node-gpu");
const PARTS = ["binding.gyp", "binding", "dist"];

/** Its package.json without scripts: what npm has installed of pefd is never to run one. */
function writePackageFile(from) {
  const { name, version, license, repository, main, binary } = JSON.parse(
    readFileSync(join(from, "package.json"), "utf8"),
  );
  const described = { name, version, license, repository, main, binary };
  writeFileSync(join(VENDOR, "package.json"), `${JSON.stringify(described, undefined, 2)}\n`);
}

function vendor() {
  const from = tensorFlowJsFolder(ROOT);
  const isWanted = (path) => !/\.(?:d\.ts|map)$|_test\.js$|\/run_tests/.test(path);
  for (const part of PARTS) {
    cpSync(join(from, part), join(VENDOR, part), { recursive: true, filter: isWanted });
  }
  writePackageFile(from);
  // The licence that it names, as a package under the same one has it.
  cpSync(join(ROOT, "node_modules/typescript/LICENSE"), join(VENDOR, "LICENSE"));
}

async function prepare() {
  rmSync(VENDOR, { recursive: true, force: true });
  if (!packagesAreInstalled(ROOT)) await installPackages(ROOT, []);
  if (!tensorFlowJsIsThere(ROOT)) await bringTensorFlowJs(ROOT);
  if (!isBuilt(ROOT, PRODUCT)) await build(ROOT, PRODUCT);
  vendor();
}

try {
  if (process.argv.includes("--remove")) rmSync(join(ROOT, "vendor"), { recursive: true });
  else await prepare();
} catch (error) {
  fail(error);
}
