import { DT, type NativeBinding } from "../../runtime/native.js";
import { ownInstructions } from "../../runtime/ownModule.js";
import type { ByteImage } from "../strong/image.js";
import { type Decoded, type Ops, openDecoder, opsOf } from "./decode.js";
import { readHeader } from "./header/header.js";
import { plainResize } from "./plainResize.js";
import { ImageProblem, imageError } from "./problem.js";
import type { Box, ImageSize, View } from "./view.js";

/** Which of two resizers serves: that of src/native, or the same in JavaScript, whose bytes are the same. */
export type Resizer = "native" | "plain";

/** All pixels of an image that was decoded. */
export interface DecodedImage extends ByteImage {
  /** What the decoder says of damage that it went over. */
  readonly warning?: string;
}

/** Reads images of one thread. Errors name the image and say what is wrong with it. */
export interface ImageReader {
  /**
   * What a view shows of an image, the bytes of torchvision with Pillow.
   * @param name the image's file, for errors
   * @param file its bytes: JPEG, PNG, BMP or WebP
   * @param viewOf the view, once the size is known
   * @returns [window.height, window.width, 3], red, green and blue
   * @throws runError for an image that cannot be used
   */
  show(name: string, file: Uint8Array, viewOf: (image: ImageSize) => View): Uint8Array;
  /** The size alone, from the header. @throws runError as show */
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

/** Gives a problem the name of its image. */
function named<T>(name: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ImageProblem) throw imageError(name, error.message);
    throw error;
  }
}

/**
 * Opens a reader of images.
 * @param binding of this thread, with our own ops where they are there (runtime/threadBinding.ts)
 * @param resizer the native one where it is there, if left out
 */
export function openImageReader(
  binding: NativeBinding,
  resizer: Resizer = presentResizer(),
): ImageReader {
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
