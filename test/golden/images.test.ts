import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { openImageReader } from "#pefd/data/images/reader.js";
import { boxView, evaluationView } from "#pefd/data/images/view.js";
import { IMAGENET, knownTable } from "#pefd/data/normalize.js";
import { nativeBackend } from "#pefd/runtime/native.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { fileNamed } from "../data/images/generated.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { checkGoldenFile, formatGoldenResult } from "./compare/check.js";

loadTensorFlow();
const reader = openImageReader(nativeBackend().binding, "plain");

const NAME = "420.jpg";
const SIDE = { height: 224, width: 224 };
const BOX = { top: 3, left: 4, height: 30, width: 50, flip: true };
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** What a golden file says of one view: all pixels that are probed are the first one. */
function shown(bytes: Uint8Array) {
  const probe = Array.from(bytes.subarray(0, 3));
  const normalized = probe.map((level, c) => knownTable(IMAGENET)[level * 3 + c]);
  const probes = { probes: Array(11).fill(probe), normalized_probes: [normalized, normalized] };
  return { sha256: sha256(bytes), mean: [0, 0, 0], ...probes };
}

/** A golden file of one image, and one file that cannot be read. @returns the file's path */
function write(t: TestContext, change: (document: ReturnType<typeof golden>) => void): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "images/odd"), { recursive: true });
  mkdirSync(join(folder, "golden"));
  writeFileSync(join(folder, "images", NAME), fileNamed(NAME));
  writeFileSync(join(folder, "images/odd/text.jpg"), "no image");
  writeFileSync(join(folder, "images/odd.json"), '{"text.jpg": {"pillow": "fails"}}');
  const document = golden();
  change(document);
  const path = join(folder, "golden/images.json");
  writeFileSync(path, JSON.stringify(document));
  return path;
}

function golden() {
  const file = fileNamed(NAME);
  const { height, width, bytes } = reader.pixels(NAME, file);
  const show = (view: Parameters<typeof reader.show>[2]) => shown(reader.show(NAME, file, view));
  const image = {
    file: NAME,
    sha256: sha256(file),
    mode: "RGB",
    width,
    height,
    resized: [414, 256],
    pixels_sha256: sha256(bytes),
    eval: show((size) => evaluationView(size, { resize: 256, crop: 224 })),
    crops: [{ ...BOX, ...show(() => boxView(BOX, SIDE, true)) }],
  };
  const places = { probe_positions: Array(11).fill([0, 0]), random_resized_crop: [] };
  return { ...IMAGENET, ...places, images: [image], odd: [] as (typeof image)[] };
}

test("images whose every byte is the golden file's pass", (t) => {
  const result = checkGoldenFile(write(t, () => {}));
  assert.ok(result.ok, formatGoldenResult(result));
});

const CHANGES: readonly (readonly [string, (image: never) => void, RegExp])[] = [
  ["evaluation", (image: { eval: { sha256: string } }) => (image.eval.sha256 = "0"), /evaluation \(/],
  ["crop", (image: { crops: { top: number }[] }) => ((image.crops[0] as { top: number }).top = 4), /crop 1 \(/],
  ["file", (image: { sha256: string }) => (image.sha256 = "0"), /420\.jpg is another file/],
  ["size", (image: { width: number }) => (image.width = 69), /420\.jpg size is \[42,68\] instead/],
];

for (const [what, change, says] of CHANGES) {
  test(`another ${what} does not pass`, (t) => {
    const result = checkGoldenFile(write(t, ({ images }) => change(images[0] as never)));
    assert.equal(result.ok, false);
    assert.match(formatGoldenResult(result), says);
  });
}

test("a file that could be read and should not does not pass", (t) => {
  const path = write(t, () => {});
  writeFileSync(join(path, "../../images/odd/text.jpg"), fileNamed(NAME));
  assert.match(formatGoldenResult(checkGoldenFile(path)), /text\.jpg is not refused/);
});

test("crops that are drawn otherwise do not pass", (t) => {
  const drawn = { width: 50, height: 40, draws: 2000, mean_area: 0.3, mean_log_ratio: 0 };
  const quantiles = { area_quantiles_5_25_50_75_95: [], ratio_quantiles_5_25_50_75_95: [] };
  const path = write(t, (document) => {
    const places = { mean_top: 0.1, mean_left: 0.1 };
    (document.random_resized_crop as unknown[]).push({ ...drawn, ...quantiles, ...places });
  });
  assert.match(formatGoldenResult(checkGoldenFile(path)), /random crops of 50 x 40: mean area/);
});

test("images that are not there are named, with the folder that they are expected in", (t) => {
  const path = write(t, ({ images }) => ((images[0] as { file: string }).file = "other.jpg"));
  assert.throws(
    () => checkGoldenFile(path),
    (error) => error instanceof PefdError && error.exitCode === 2 && /other\.jpg/.test(error.message),
  );
});
