import { DT, type NativeBinding } from "../../runtime/native.js";
import { ownInstructions } from "../../runtime/ownModule.js";
import { sha256 } from "../checksums.js";
import type { WholeFile } from "../examine.js";
import type { Labels } from "../sampler.js";
import type { ByteImage } from "../strong/image.js";
import { type Decoded, type Ops, openDecoder, opsOf } from "./decode.js";
import type { ImageExaminer, ToExamine } from "./examine/types.js";
import { ImageProblem, imageError, readHeader } from "./header.js";
import type { Box, ImageSize, View } from "./view.js";

interface EncodedImages extends ToExamine {
  readonly labels: Labels;
  /** sha256 by which runs know them. */
  readonly sha256: string;
}

/** Decodes all images. */
export async function wholeImages(
  { labels, sha256: sum, ...images }: EncodedImages,
  examiner: ImageExaminer,
): Promise<WholeFile> {
  const found = await examiner.examine(images);
  const named = found.map((each, i) => ({ ...each, name: images.names[i] as string }));
  return {
    labels,
    sha256: sum,
    bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    digests: found.flatMap((each, i) => (each.sha256 === undefined ? [] : [sha256(`${labels[i]} ${each.sha256}`)])),
    problems: found.flatMap(({ problem = [] }) => problem),
    damaged: named.flatMap(({ problem, name }) => (problem === undefined ? [] : [name])),
    warnings: named.flatMap(({ warning, name }) =>
      warning === undefined ? [] : [`The image ${name} is used despite a decoder warning: ${warning}.`],
    ),
  };
}

/** All pixels of an image. @throws runError for one that cannot be used, or is not of `size` where that is given */
export function pixelsOfSize(reader: ImageReader, name: string, file: Uint8Array, size?: ImageSize): DecodedImage {
  const image = reader.pixels(name, file);
  if (size === undefined || hasSize(image, size)) return image;
  const [is, wanted] = [image, size].map(({ height, width }) => `${width} x ${height}`);
  throw imageError(name, `it has ${is} pixels instead of ${wanted}`);
}

const hasSize = ({ height, width }: ByteImage, size: ImageSize): boolean =>
  height === size.height && width === size.width;

/** Weights are fixed-point integers with 22 fraction bits, as in Pillow. */
const WEIGHT_BITS = 22;
const HALF = 1 << (WEIGHT_BITS - 1);
const CHANNELS = 3;

/** Resampling weights along one axis: output i uses taps[i] pixels from first[i] on; its weights start at i * most. */
interface Axis {
  readonly count: number;
  readonly most: number;
  readonly first: Int32Array;
  readonly taps: Int32Array;
  readonly weights: Int32Array;
}

/** `length` pixels from `from` on become `size`, of which `count` from `start` on are wanted. */
function axisOf(from: number, length: number, size: number, start: number, count: number): Axis {
  const scale = length / size;
  const support = Math.max(scale, 1);
  const inverse = 1 / support;
  const most = 2 * Math.ceil(support) + 1;
  const [first, taps] = [new Int32Array(count), new Int32Array(count)];
  const weights = new Int32Array(count * most);
  const exact = new Float64Array(most);
  for (let i = 0; i < count; i++) {
    const middle = (start + i + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(middle - support + 0.5));
    const end = Math.min(length, Math.trunc(middle + support + 0.5));
    let sum = 0;
    for (let tap = 0; tap < end - begin; tap++) {
      const weight = Math.max(0, 1 - Math.abs((tap + begin - middle + 0.5) * inverse));
      exact[tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < end - begin; tap++) {
      weights[i * most + tap] = Math.trunc(0.5 + ((exact[tap] as number) / sum) * 2 ** WEIGHT_BITS);
    }
    first[i] = from + begin;
    taps[i] = end - begin;
  }
  return { count, most, first, taps, weights };
}

/** One result of one color: pixels from `at` on, `stride` apart. */
function weighted(
  pixels: ArrayLike<number>,
  at: number,
  stride: number,
  { weights, most, taps }: Axis,
  i: number,
): number {
  let sum = HALF;
  for (let tap = 0; tap < (taps[i] as number); tap++) {
    sum += (pixels[at + tap * stride] as number) * (weights[i * most + tap] as number);
  }
  return sum >> WEIGHT_BITS;
}

/** Rows from `top` on, `rows` of them, resized across. @returns [rows, axis.count, 3] */
function across(
  pixels: ArrayLike<number>,
  width: number,
  rows: { readonly top: number; readonly count: number },
  axis: Axis,
  flip: boolean,
): Uint8Array {
  const result = new Uint8Array(rows.count * axis.count * CHANNELS);
  let out = 0;
  for (let row = 0; row < rows.count; row++) {
    const line = (rows.top + row) * width;
    for (let x = 0; x < axis.count; x++) {
      const i = flip ? axis.count - 1 - x : x;
      const at = (line + (axis.first[i] as number)) * CHANNELS;
      for (let c = 0; c < CHANNELS; c++) result[out++] = weighted(pixels, at + c, CHANNELS, axis, i);
    }
  }
  return result;
}

/** A view with Pillow 12's bytes (bilinear, antialiased) of pixels [H, W, 3]. @returns the window [H', W', 3] */
export function plainResize(pixels: ArrayLike<number>, image: ImageSize, view: View): Uint8Array {
  const { box, size, window, flip } = view;
  const right = axisOf(box.left, box.width, size.width, window.left, window.width);
  const down = axisOf(box.top, box.height, size.height, window.top, window.height);
  const [top, last] = [down.first[0] as number, down.count - 1];
  const count = (down.first[last] as number) + (down.taps[last] as number) - top;
  const rows = across(pixels, image.width, { top, count }, right, flip);
  const line = window.width * CHANNELS;
  const result = new Uint8Array(window.height * line);
  for (let y = 0; y < down.count; y++) {
    const from = ((down.first[y] as number) - top) * line;
    for (let x = 0; x < line; x++) result[y * line + x] = weighted(rows, from + x, line, down, y);
  }
  return result;
}

/** Resizer of src/native, or the same in JavaScript, whose bytes are the same. */
export type Resizer = "native" | "plain";

export type DecodedImage = ByteImage & { readonly warning?: string };

/** Reads images of one thread. Errors name the image and say what is wrong with it. */
export interface ImageReader {
  /**
   * A view of an image (JPEG, PNG, BMP or WebP), bit-identical to torchvision with Pillow.
   * @param viewOf the view, once the size is known
   * @returns [window.height, window.width, 3], red, green and blue
   * @throws runError for an image that cannot be used
   */
  show(name: string, file: Uint8Array, viewOf: (image: ImageSize) => View): Uint8Array;
  /** The size, from the header. @throws runError as show */
  size(name: string, file: Uint8Array): ImageSize;
  /** All pixels. @throws runError as show */
  pixels(name: string, file: Uint8Array): DecodedImage;
}

/** The resizer that is there: TensorFlow must have been loaded in this thread. */
export const presentResizer = (): Resizer => (ownInstructions() === undefined ? "plain" : "native");

/** A decoded tensor's bytes; TensorFlow.js reads no uint8, so they come as int32. It is deleted. */
function read({ binding, call }: Ops, { id }: Decoded): Int32Array {
  const type = binding.TF_ATTR_TYPE;
  const types = [
    { name: "SrcT", type, value: DT.uint8 },
    { name: "DstT", type, value: DT.int32 },
  ];
  const cast = call("Cast", types, [id]);
  const values = binding.tensorDataSync(cast.id) as Int32Array;
  for (const done of [cast.id, id]) binding.deleteTensor(done);
  return values;
}

/** The view as seen from a part of the image. */
const within = (view: View, { part }: Decoded): View => ({
  ...view,
  box: { ...view.box, top: view.box.top - part.top, left: view.box.left - part.left },
});

type Resize = (decoded: Decoded, view: View) => Uint8Array;

const plainOf =
  (ops: Ops): Resize =>
  (decoded, view) =>
    plainResize(read(ops, decoded), decoded.part, view);

const placeOf = ({ top, left, height, width }: Box): number[] => [top, left, height, width];

function nativeOf({ binding, call, integers }: Ops): Resize {
  return ({ id }, { box, size, window, flip }) => {
    const sizes = [size.height, size.width];
    const numbers = integers([...placeOf(box), ...sizes, ...placeOf(window), flip ? 1 : 0]);
    const packed = call("PefdResize", [], [id, numbers]);
    const values = binding.tensorDataSync(packed.id);
    for (const done of [packed.id, numbers, id]) binding.deleteTensor(done);
    return new Uint8Array(values.buffer, values.byteOffset, window.height * window.width * 3);
  };
}

function named<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ImageProblem) throw imageError(name, error.message);
    throw error;
  }
}

/** Opens a reader of images. @param binding of this thread, with our own ops where they are there (threadBinding.ts) */
export function openImageReader(binding: NativeBinding, resizer: Resizer = presentResizer()): ImageReader {
  const ops = opsOf(binding);
  const decoder = openDecoder(ops);
  const resize = resizer === "native" ? nativeOf(ops) : plainOf(ops);
  return {
    show: (name, file, viewOf) =>
      named(name, () => {
        const header = readHeader(file);
        const view = viewOf(header);
        const decoded = decoder.decode(file, header, view.box);
        return resize(decoded, within(view, decoded));
      }),
    size: (name, file) => named(name, () => readHeader(file)),
    pixels: (name, file) =>
      named(name, () => {
        const header = readHeader(file);
        const { height, width } = header;
        const decoded = decoder.decode(file, header);
        const { warning } = decoded;
        const bytes = Uint8Array.from(read(ops, decoded));
        return { height, width, bytes, ...(warning !== undefined && { warning }) };
      }),
  };
}
