import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { extract } from "tar";
import type { ImagesInMemory } from "#pefd/data/dataset.js";
import { DATASETS } from "#pefd/data/registry.js";
import { sharedPath } from "../helpers/paths.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

/** What another program read from an archive: label and RGB bytes of every record. */
interface Format {
  readonly file: string;
  readonly records: readonly {
    readonly file: string;
    readonly label: number;
    readonly rgb_sha256: string;
  }[];
}

const folder = sharedPath("images/formats");

for (const [key, name] of Object.entries({ "cifar-10": "cifar10", "stl-10": "stl10" })) {
  test(`${name}: real photographs in the published layout are read byte for byte`, async (t) => {
    if (folder === undefined) return t.skip("needs ../shared/images/formats");
    const formats = JSON.parse(readFileSync(join(folder, "formats.json"), "utf8"));
    const { file, records } = formats[key] as Format;
    const cwd = temporaryFolder(t);
    extract({ file: join(folder, file), cwd, sync: true });
    const row = DATASETS.row(name);
    const { train, test: tests } = await row.open(join(cwd, row.archive?.folder ?? ""));
    const found = [train, tests].flatMap((set) => recordsOf(set as ImagesInMemory));
    assert.deepEqual(
      found,
      records.map(({ label, rgb_sha256 }) => [label, rgb_sha256]),
    );
  });
}

function recordsOf({ images, labels, height, width }: ImagesInMemory): [number, string][] {
  const bytes = height * width * 3;
  return Array.from(labels, (label, i) => {
    const image = images.subarray(i * bytes, (i + 1) * bytes);
    return [label, createHash("sha256").update(image).digest("hex")];
  });
}
