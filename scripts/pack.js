// What npm runs before and after it packs (prepack, postpack): the compiled program, and in vendor/ what pefd takes of
// TensorFlow.js for Node.js, go into the package, whose package.json names the dependencies of that instead, since npm
// would run its install script (docs/adr/0018); both are undone again.
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, isBuilt, PRODUCT } from "./setup/build.js";
import { installPackages, packagesAreInstalled } from "./setup/packages.js";
import { fail } from "./setup/problem.js";
import { ROOT } from "./setup/setup.js";

const NAME = "@tensorflow/tfjs-node-gpu";
const FROM = join(ROOT, "node_modules", NAME);
const VENDOR = join(ROOT, "vendor/tfjs-node-gpu");
const PARTS = ["binding.gyp", "binding", "dist"];

/** What these parts load; the rest of its dependencies is its install script's. */
const LOADED = ["@mapbox/node-pre-gyp", "google-protobuf", "progress"];

const readJson = (file) => JSON.parse(readFileSync(file, "utf8"));
const writeJson = (file, value) => writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`);

/** Its package.json without scripts: what npm has installed of pefd is never to run one. */
function writePackageFile() {
  const { name, version, license, repository, main, binary } = readJson(join(FROM, "package.json"));
  writeJson(join(VENDOR, "package.json"), { name, version, license, repository, main, binary });
}

function vendor() {
  const isWanted = (path) => !/\.(?:d\.ts|map)$|_test\.js$|\/run_tests/.test(path);
  for (const part of PARTS) {
    cpSync(join(FROM, part), join(VENDOR, part), { recursive: true, filter: isWanted });
  }
  writePackageFile();
  // The licence that it names, as a package under the same one has it.
  cpSync(join(ROOT, "node_modules/typescript/LICENSE"), join(VENDOR, "LICENSE"));
}

/** Dependencies of the checkout, as npm wrote them into package-lock.json. */
const ownDependencies = () => readJson(join(ROOT, "package-lock.json")).packages[""].dependencies;

/** Dependencies of the package: what vendor/ loads, but not what it is a part of. */
function packedDependencies() {
  const { [NAME]: _, ...kept } = ownDependencies();
  const { dependencies } = readJson(join(FROM, "package.json"));
  return { ...kept, ...Object.fromEntries(LOADED.map((name) => [name, dependencies[name]])) };
}

function writeDependencies(dependencies) {
  const file = join(ROOT, "package.json");
  writeJson(file, { ...readJson(file), dependencies });
}

async function prepare() {
  rmSync(VENDOR, { recursive: true, force: true });
  if (!packagesAreInstalled(ROOT)) await installPackages(ROOT, []);
  if (!isBuilt(ROOT, PRODUCT)) await build(ROOT, PRODUCT);
  vendor();
  writeDependencies(packedDependencies());
}

function undo() {
  writeDependencies(ownDependencies());
  rmSync(join(ROOT, "vendor"), { recursive: true, force: true });
}

try {
  if (process.argv.includes("--remove")) undo();
  else await prepare();
} catch (error) {
  fail(error);
}
