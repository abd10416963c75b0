import { writeFolderAtomic } from "#pefd/common/files/atomicFolder.js";
import { writeOutputFile } from "#pefd/common/files/outputFile.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";

/** What a child process writes, so that it can be killed meanwhile. */
const [kind = "", path = "", word = ""] = process.argv.slice(2);

const content = Buffer.from(word.repeat(1000));

const KINDS: Readonly<Record<string, () => Promise<void>>> = {
  folder: () => writeFolderAtomic(path, { graph: content, "assets/state": content }),
  file: () => writeOutputFile(path, content),
  set: () => CIFAR100.synthesize(path, { train: 3, test: 2, seed: Number(word), force: true }),
};

await KINDS[kind]?.();
