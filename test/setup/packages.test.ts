import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../helpers/paths.js";
import { installPackages, packagesAreInstalled } from "./scripts.js";

const LOCKED = {
  "": { name: "project" },
  "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
  "node_modules/b": { version: "2.0.0", integrity: "sha512-b", optional: true },
};
const { "": _, ...INSTALLED } = LOCKED;

async function inProject(
  installed: Readonly<Record<string, unknown>> | undefined,
  work: (root: string) => void | Promise<void>,
): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "pefd-packages-"));
  const write = (file: string, value: unknown) => writeFileSync(join(root, file), JSON.stringify(value));
  try {
    write("package-lock.json", { packages: LOCKED });
    for (const name of ["a", "b"]) {
      mkdirSync(join(root, "node_modules", name), { recursive: true });
      write(`node_modules/${name}/package.json`, {});
    }
    if (installed) write("node_modules/.package-lock.json", { packages: installed });
    await work(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test("packages count as installed when npm has recorded just those of the lock file", () =>
  inProject(INSTALLED, (root) => assert.equal(packagesAreInstalled(root), true)));

test("an installation that npm never finished does not count", () =>
  inProject(undefined, (root) => assert.equal(packagesAreInstalled(root), false)));

test("another version, or another file of the same version, does not count", async () => {
  for (const other of [{ version: "1.0.1" }, { integrity: "sha512-z" }]) {
    const a = { ...LOCKED["node_modules/a"], ...other };
    await inProject({ ...INSTALLED, "node_modules/a": a }, (root) => assert.equal(packagesAreInstalled(root), false));
  }
});

test("a folder that was deleted does not count", () =>
  inProject(INSTALLED, (root) => {
    rmSync(join(root, "node_modules/a"), { recursive: true });
    assert.equal(packagesAreInstalled(root), false);
  }));

test("an optional package for another system may be missing", () =>
  inProject({ "node_modules/a": LOCKED["node_modules/a"] }, (root) => assert.equal(packagesAreInstalled(root), true)));

test("node_modules of somebody else are not touched", () =>
  inProject(undefined, async (root) => {
    const elsewhere = join(root, "elsewhere");
    mkdirSync(elsewhere);
    rmSync(join(root, "node_modules"), { recursive: true });
    symlinkSync(elsewhere, join(root, "node_modules"));
    await assert.rejects(installPackages(root, []), /node_modules is a link/);
  }));

test("npm of no version runs the install script of TensorFlow.js for Node.js in a checkout", () => {
  const read = (file: string) => JSON.parse(readFileSync(join(ROOT, file), "utf8"));
  const name = "@tensorflow/tfjs-node-gpu";
  const { dependencies, allowScripts } = read("package.json");
  const { version, hasInstallScript, gypfile } = read("package-lock.json").packages[`node_modules/${name}`];
  assert.equal(dependencies[name], version);
  assert.equal(allowScripts[name], false, "npm 11 asks package.json");
  assert.deepEqual(
    { hasInstallScript, gypfile },
    { hasInstallScript: undefined, gypfile: false },
    'npm ci asks package-lock.json: by hand, "gypfile": false in place of "hasInstallScript" (docs/adr/0018)',
  );
});
