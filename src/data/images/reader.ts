import { DT, type NativeBinding } from "../../runtime/native.js";
import { ownInstructions } from "../../runtime/ownModule.js";
import { sha256 } from "../checksums.js";
import type { WholeFile } from "../examine.js";
import type { Labels } from "../sampler.js";
import type { ByteImage } from "../strong/image.js";
import { type Decoded, type Ops, openDecoder, opsOf } from "./decode.js";
import type { ImageExaminer, ToExamine } from "./examine/types.js";
import { ImageProblem, imageError, readHeader } from "./header.js";
import { plainResize } from "./plainResize.js";
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
