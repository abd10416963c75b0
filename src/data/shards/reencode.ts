import { DT, type NativeBinding } from "../../runtime/native.js";
import { opsOf } from "../images/decode.js";
import type { ImagePlaces } from "../images/places.js";
import { openImageReader } from "../images/reader.js";
import { boxView, type ImageSize, resizedSize, wholeOf } from "../images/view.js";
import type { PackedImage } from "./pack.js";

/** How images are made smaller: the short side in pixels, and the quality of the JPEG, from 1 to 100. */
export type Reencoding = { readonly shortSide: number; readonly quality: number };

/** The same in words, as records and identities have it. */
export const reencodingWords = ({ shortSide, quality }: Reencoding): string =>
  `short side ${shortSide}, JPEG quality ${quality}`;

export type ReencodeWork = { readonly places: ImagePlaces; readonly reencoding: Reencoding };

export interface ReencodeAnswer {
  readonly packed?: PackedImage;
  readonly problem?: { readonly message: string; readonly hint: string | undefined };
}

/** An image is never made larger. */
const isSmall = ({ height, width }: ImageSize, { shortSide }: Reencoding): boolean =>
  Math.min(height, width) <= shortSide;

/** Makes an image a smaller JPEG; as it is where it is small already. @throws runError for one that cannot be used */
type Reencode = (name: string, file: Uint8Array) => PackedImage;

/** @param binding of this thread, with our own ops where they are there */
export function openReencoder(binding: NativeBinding, reencoding: Reencoding): Reencode {
  const reader = openImageReader(binding);
  const { call } = opsOf(binding);
  const attributes = [
    { name: "format", type: binding.TF_ATTR_STRING, value: "rgb" },
    { name: "quality", type: binding.TF_ATTR_INT, value: reencoding.quality },
  ];

  /** @param pixels [height, width, 3] */
  function jpegOf(pixels: Uint8Array, { height, width }: ImageSize): Uint8Array {
    const image = binding.createTensor([height, width, 3], DT.uint8, pixels);
    const encoded = call("EncodeJpeg", attributes, [image]);
    const [bytes] = binding.tensorDataSync(encoded.id) as unknown as [Uint8Array];
    for (const done of [image, encoded.id]) binding.deleteTensor(done);
    return bytes;
  }

  return (name, file) => {
    const image = reader.size(name, file);
    if (isSmall(image, reencoding)) {
      // Decoded all the same, so that a damaged one is named now.
      reader.pixels(name, file);
      return { bytes: file };
    }
    const size = resizedSize(image, reencoding.shortSide);
    const pixels = reader.show(name, file, () => boxView(wholeOf(image), size, false));
    return { bytes: jpegOf(pixels, size), isNewJpeg: true };
  };
}
