import assert from "node:assert/strict";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { areCompiled, refuseDamaged, writeCompiled } from "#pefd/runtime/compiledFiles.js";
import {
  bindingFile,
  compiledRecord,
  dependencies,
  gpuProbeFile,
  logLevelFile,
  ownModuleFile,
  packageDirectory,
  signalsFile,
} from "#pefd/runtime/paths.js";
import { copyIntoPlace, linkInPlace, moveIntoPlace, sameContent } from "#pefd/runtime/setup/files.js";
import { treeDirectory } from "#pefd/runtime/setup/tree.js";
import { withoutRight } from "../helpers/otherUser.js";
import { ROOT } from "../helpers/paths.js";
import { type Ended, runScript } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { OWN } from "../nn/ownOps.js";

const TRAIN = ["train-teacher", "--model", "resnet8", "--epochs", "1", "--data", "data", "--quiet"];

/** A copy of the project with compiled files and libraries of its own, which may be damaged. */
let copy = "";
let folder = "";

const pefd = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  runScript(join(copy, "bin/pefd.js"), args, {
    cwd: copy,
    env: { CUDA_VISIBLE_DEVICES: "-1", PEFD_RUNTIME: "cpu", ...env },
  });

/** Lays links to all that lies in a folder, but for some names, into another one. */
function linkAll(from: string, to: string, ...but: string[]): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (!but.includes(name)) symlinkSync(join(from, name), join(to, name));
  }
}

after(() => rmSync(copy, { recursive: true, force: true }));

before(async () => {
  copy = mkdtempSync(join(tmpdir(), "pefd-test-"));
  for (const part of ["dist", "bin", "package.json", "configs"]) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  }
  mkdirSync(join(copy, "scripts"));
  writeFileSync(join(copy, "scripts/setup.js"), ""); // a checkout: all is in the package's folder
  const modules = join(ROOT, "node_modules");
  linkAll(modules, join(copy, "node_modules"), "@tensorflow");
  const scope = join(copy, "node_modules/@tensorflow");
  linkAll(join(modules, "@tensorflow"), scope, "tfjs-node-gpu");
  const installed = packageDirectory() as string;
  folder = join(scope, basename(installed));
  cpSync(installed, folder, {
    recursive: true,
    filter: (file) => file !== dependencies(installed),
  });
  const tree = readlinkSync(dependencies(installed));
  const own = join(copy, "runtime", basename(tree));
  linkAll(tree, own, "lib");
  linkAll(join(tree, "lib"), join(own, "lib"), "libtensorflow.so", "libtensorflow_framework.so");
  for (const name of ["libtensorflow.so", "libtensorflow_framework.so"]) {
    symlinkSync(readlinkSync(join(tree, "lib", name)), join(own, "lib", name));
  }
  symlinkSync(own, dependencies(folder));
  await CIFAR100.synthesize(join(copy, "data"), { train: 16, test: 8, seed: 1 });
});

/** Does something while a file is damaged, which is whole again afterwards. */
async function damaged(file: string, damage: () => void, work: () => Promise<void>): Promise<void> {
  const kept = join(copy, "kept");
  copyFileSync(file, kept);
  try {
    damage();
    await work();
  } finally {
    rmSync(file, { force: true });
    copyFileSync(kept, file);
    rmSync(kept);
  }
}

/** A file's first bytes in its place, so that no link is written through. */
function cut(file: string, bytes: number): void {
  const content = readFileSync(file).subarray(0, bytes);
  rmSync(file);
  writeFileSync(file, content, { mode: 0o755 });
}

function refused({ exitCode, stderr }: Ended, message: RegExp): void {
  assert.equal(exitCode, 3, stderr);
  assert.match(stderr, message);
  assert.doesNotMatch(stderr, /defect of pefd|^ +at /m);
}

const COMPILED = [bindingFile, logLevelFile, signalsFile, gpuProbeFile, ownModuleFile];

for (const fileOf of COMPILED) {
  const name = basename(fileOf(""));
  test(`${name} cut short, empty or gone is a sentence and exit code 3`, OWN, async () => {
    const file = fileOf(folder);
    for (const bytes of [5000, 0]) {
      await damaged(
        file,
        () => cut(file, bytes),
        async () => {
          const words = new RegExp(`^error: Installed files of pefd are damaged: \\S+${name} has ${bytes} bytes`);
          refused(await pefd(TRAIN), words);
        },
      );
    }
    await damaged(
      file,
      () => rmSync(file),
      async () => {
        refused(await pefd(TRAIN), /is missing|is not installed yet/);
      },
    );
  });
}

test("a library of TensorFlow's that is cut short is a sentence and exit code 3", OWN, async () => {
  const file = join(dependencies(folder), "lib/libtensorflow_cc.so.2");
  const target = readlinkSync(file);
  rmSync(file);
  writeFileSync(file, Buffer.alloc(100_000));
  try {
    refused(await pefd(TRAIN), /libtensorflow_cc\.so\.2 is missing or truncated.*\n {2}Type: .* setup$/m);
  } finally {
    rmSync(file);
    symlinkSync(target, file);
  }
});

test("a setup that was interrupted, or is an earlier version's, is to be completed", OWN, async () => {
  const record = compiledRecord(folder);
  const damages = [() => rmSync(record), () => truncateSync(record, 100), () => writeFileSync(record, "null")];
  for (const damage of damages) {
    await damaged(record, damage, async () => {
      refused(await pefd(TRAIN), /installation is incomplete.*\n {2}Type: .* setup$/m);
    });
  }
});

test("kernels that do not load are refused, unless TensorFlow's are asked for by name", OWN, async () => {
  const file = ownModuleFile(folder);
  const other = Buffer.alloc(readFileSync(file).length);
  readFileSync(process.execPath).copy(other, 0, 0, 4096); // a program, no module
  const replace = () => {
    rmSync(file);
    writeFileSync(file, other, { mode: 0o755 });
  };
  await damaged(file, replace, async () => {
    const without = await pefd(TRAIN);
    refused(without, /pefd's own kernels do not load: .*own_ops\.node/);
    assert.match(without.stderr, /rm -f \S+compiled\.json, then: .* setup/);
    const { exitCode, stderr } = await pefd(TRAIN, { PEFD_CONVOLUTIONS: "tensorflow" });
    assert.equal(exitCode, 0, stderr);
  });
  await damaged(
    file,
    () => cut(file, 5000),
    async () => {
      const again = [...TRAIN, "--force"];
      const { exitCode, stderr } = await pefd(again, { PEFD_CONVOLUTIONS: "tensorflow" });
      assert.equal(exitCode, 0, stderr);
    },
  );
});

test("one changed byte of a compiled file is named by doctor --deep", OWN, async () => {
  const file = ownModuleFile(folder);
  const flip = () => {
    const content = readFileSync(file);
    const at = Math.floor(content.length * 0.6);
    content[at] = (content[at] ?? 0) ^ 1;
    writeFileSync(file, content);
  };
  await damaged(file, flip, async () => {
    const { exitCode, stdout, stderr } = await pefd(["doctor", "--deep"]);
    assert.equal(exitCode, 3, stdout + stderr);
    assert.match(stdout, /changed since installation: own_ops\.node\n/);
  });
});

test("a setup that this user may not read is a sentence and exit code 3", async (t) => {
  const made = temporaryFolder(t);
  chmodSync(made, 0o755);
  const [native, cache] = [join(made, "native"), join(made, "cache")];
  const tree = treeDirectory(cache, "cpu");
  for (const each of [dirname(compiledRecord(native)), tree]) mkdirSync(each, { recursive: true });
  writeFileSync(compiledRecord(native), '{"files": []}');
  symlinkSync(tree, dependencies(native));
  for (const path of [compiledRecord(native), cache]) {
    await withoutRight(path, () =>
      assert.throws(() => refuseDamaged(native, {}), {
        exitCode: 3,
        message: new RegExp(`^${path}\\S*, a part of pefd's setup, cannot be read: permission denied`),
      }),
    );
  }
});

test("compiled files that this user may not read or replace are a sentence and exit code 3", async (t) => {
  const made = temporaryFolder(t);
  chmodSync(made, 0o755);
  const [record, file, from] = ["compiled.json", "own_ops.node", "new.node"].map((name) => join(made, name)) as [
    string,
    string,
    string,
  ];
  for (const each of [file, from]) writeFileSync(each, "bytes");
  writeCompiled(record, ["own_ops.node"]);
  const refused = (what: string) => ({
    exitCode: 3,
    message: `${file}, a part of pefd's setup, cannot be ${what}: permission denied.`,
    hint: /pefd setup/,
  });
  await withoutRight(file, () => assert.throws(() => areCompiled(record, ["own_ops.node"]), refused("read")));
  await withoutRight(file, () => assert.throws(() => sameContent(file, from), refused("read")));
  chmodSync(made, 0o555);
  await withoutRight(file, async () => {
    for (const place of [copyIntoPlace, linkInPlace, moveIntoPlace]) {
      await assert.rejects(place(from, file), refused("written"));
    }
  });
  chmodSync(made, 0o755);
});
