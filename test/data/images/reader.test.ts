import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { MOST_PIXELS } from "#pefd/data/images/header.js";
import { openImageReader, presentResizer } from "#pefd/data/images/reader.js";
import { boxView, type View } from "#pefd/data/images/view.js";
import { nativeBackend } from "#pefd/runtime/native.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { fileNamed, PILLOW } from "./generated.js";

// Before the tests are declared: whether one is skipped is known only then.
loadTensorFlow();
const { binding } = nativeBackend();
const reader = openImageReader(binding, "plain");
const NATIVE = { skip: presentResizer() === "plain" && "no resizer of our own on this processor" };

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

for (const { name, height, width, sha256: expected } of PILLOW.files) {
  test(`${name} decodes to Pillow's bytes`, () => {
    const image = reader.pixels(name, fileNamed(name));
    assert.deepEqual([image.height, image.width], [height, width]);
    assert.equal(sha256(image.bytes), expected);
  });
}

test("CMYK becomes red, green and blue", () => {
  const { height, width, bytes } = reader.pixels("cmyk.jpg", fileNamed("cmyk.jpg"));
  assert.deepEqual([height, width, bytes.length], [42, 68, 42 * 68 * 3]);
});

const PART = { top: 5, left: 9, height: 20, width: 31 };

const VIEWS: readonly View[] = [
  boxView(PART, { height: 24, width: 24 }, true),
  boxView({ top: 40, left: 66, height: 2, width: 2 }, { height: 5, width: 7 }, false),
  boxView({ top: 0, left: 0, height: 42, width: 68 }, { height: 10, width: 10 }, false),
];

test("both resizers show the same bytes of every kind of file", NATIVE, () => {
  const native = openImageReader(binding, "native");
  // The BMPs are smaller and lack some of the parts.
  const names = [...PILLOW.files, PILLOW.cmyk].map((file) => file.name);
  for (const name of names.filter((each) => !each.endsWith(".bmp"))) {
    for (const view of VIEWS) {
      const [ours, plain] = [native, reader].map((each) => each.show(name, fileNamed(name), () => view));
      assert.deepEqual(ours, plain, `${name} ${JSON.stringify(view)}`);
    }
  }
});

test("a part that is decoded alone is what it is in the whole", () => {
  for (const name of ["420.jpg", "422.jpg", "progressive.jpg", "gray.jpg", "cmyk.jpg"]) {
    const whole = reader.pixels(name, fileNamed(name));
    const part = reader.show(name, fileNamed(name), () => boxView(PART, PART, false));
    const { top, left, height, width } = PART;
    for (let y = 0; y < height; y++) {
      const from = ((top + y) * whole.width + left) * 3;
      const line = part.subarray(y * width * 3, (y + 1) * width * 3);
      assert.deepEqual(line, whole.bytes.subarray(from, from + width * 3), `${name}, row ${y}`);
    }
  }
});

/** The file with bytes replaced from a place on. */
function changed(name: string, at: number, ...bytes: number[]): Buffer {
  const file = Buffer.from(fileNamed(name));
  file.set(bytes, at);
  return file;
}

/** Where a JPEG's frame says height and width. */
const frameOf = (name: string): number => fileNamed(name).indexOf(Buffer.from([0xff, 0xc0])) + 5;

const cut = (name: string, share: number): Buffer => {
  const file = fileNamed(name);
  return file.subarray(0, Math.floor(file.length * share));
};

const DAMAGED: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["nothing.jpg", Buffer.alloc(0), /it is empty/],
  ["page.jpg", Buffer.from("<html>Not found</html>"), /it is not a JPEG, PNG, BMP or WebP/],
  ["half.jpg", cut("plain.jpg", 0.5), /the JPEG is truncated: its end is missing/],
  ["end.jpg", fileNamed("420.jpg").subarray(0, -2), /its end is missing/],
  ["start.jpg", cut("plain.jpg", 0.05), /the JPEG is truncated/],
  ["two.jpg", fileNamed("plain.jpg").subarray(0, 2), /the JPEG is truncated/],
  ["half.png", cut("rgb.png", 0.5), /the PNG is corrupt/],
  ["start.png", fileNamed("rgb.png").subarray(0, 18), /the PNG is truncated/],
  ["half.bmp", cut("image.bmp", 0.5), /the BMP is corrupt/],
  ["half.webp", cut("lossy.webp", 0.5), /the WebP is corrupt/],
  ["kind.webp", changed("lossy.webp", 12, 65), /a WebP of an unknown kind/],
  ["none.png", changed("rgb.png", 16, 0, 0, 0, 0), /says that it is 0 x 42 pixels/],
  ["scan.jpg", Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 2]), /has no size/],
  [
    "arithmetic.jpg",
    changed("plain.jpg", frameOf("plain.jpg") - 4, 0xc9),
    /arithmetic coding, which Pillow and browsers cannot read/,
  ],
];

for (const [name, file, says] of DAMAGED) {
  test(`${name} is refused by name, and with what is wrong`, () => {
    for (const look of [
      () => reader.pixels(name, file),
      () => reader.show(name, file, (size) => boxView({ top: 0, left: 0, ...size }, size, false)),
    ]) {
      assert.throws(look, (error) => {
        assert.ok(error instanceof PefdError && error.exitCode === 1);
        assert.ok(error.message.startsWith(`The image ${name} cannot be used: `), error.message);
        assert.match(error.message, says);
        assert.match(error.hint ?? "", /--skip_list/);
        return true;
      });
    }
  });
}

test("a decompression bomb is refused before it is decoded", () => {
  const bombs = [
    changed("rgb.png", 16, 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff),
    changed("plain.jpg", frameOf("plain.jpg"), 0xff, 0xff, 0xff, 0xff),
    changed("image.bmp", 18, 0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0),
  ];
  for (const bomb of bombs) {
    assert.throws(
      () => reader.size("bomb", bomb),
      new RegExp(`65535 x 65535 pixels exceed the limit of ${MOST_PIXELS}`),
    );
  }
});

test("damaged images leave no tensor behind", () => {
  const { getNumOfTensors } = binding as unknown as { getNumOfTensors(): number };
  const count = () => getNumOfTensors.call(binding);
  const before = count();
  for (const [name, file] of DAMAGED) assert.throws(() => reader.pixels(name, file));
  reader.pixels("lossy.webp", fileNamed("lossy.webp"));
  assert.equal(count(), before);
});
