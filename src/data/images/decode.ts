import { DT, type NativeAttribute, type NativeBinding, type NativeTensor } from "../../runtime/native.js";
import { capturingStderr } from "../../runtime/ownModule.js";
import { type Header, ImageProblem } from "./header.js";
import { type Box, type ImageSize, wholeOf } from "./view.js";

/** A decoded part of an image: a uint8 tensor [height, width, 3] of the binding, owned by the caller. */
export type Decoded = { readonly id: number; readonly part: Box; readonly warning?: string };

type Attributes = readonly NativeAttribute[];

export interface Ops {
  call(op: string, attributes: Attributes, inputs: number[]): NativeTensor;
  integers(values: readonly number[]): number;
  readonly binding: NativeBinding;
}

/** @param binding of this thread */
export function opsOf(binding: NativeBinding): Ops {
  return {
    binding,
    call: (op, attributes, inputs) => binding.executeOp(op, [...attributes], inputs, 1)[0] as NativeTensor,
    integers: (values) => binding.createTensor([values.length], DT.int32, Int32Array.from(values)),
  };
}

/** Turns the bytes of image files into pixels, as Pillow's convert("RGB") has them. */
export interface Decoder {
  /** At least the part of the image that is asked for. @throws ImageProblem for a damaged image */
  decode(file: Uint8Array, header: Header, part?: Box): Decoded;
}

/** JPEG decoder options for Pillow's bytes: exact DCT, fancy upsampling, no recovery. */
const jpegAttributes = (binding: NativeBinding): Attributes => [
  { name: "channels", type: binding.TF_ATTR_INT, value: 3 },
  { name: "ratio", type: binding.TF_ATTR_INT, value: 1 },
  { name: "fancy_upscaling", type: binding.TF_ATTR_BOOL, value: true },
  { name: "try_recover_truncated", type: binding.TF_ATTR_BOOL, value: false },
  { name: "acceptable_fraction", type: binding.TF_ATTR_FLOAT, value: 1 },
  { name: "dct_method", type: binding.TF_ATTR_STRING, value: "INTEGER_ACCURATE" },
];

function formatOps(binding: NativeBinding): Record<Header["format"], readonly [string, Attributes]> {
  const channels = { name: "channels", type: binding.TF_ATTR_INT, value: 3 };
  // These are not turned into others.
  const asTheyAre = { ...channels, value: 0 };
  const bytes = { name: "dtype", type: binding.TF_ATTR_TYPE, value: DT.uint8 };
  return {
    JPEG: ["DecodeJpeg", jpegAttributes(binding)],
    PNG: ["DecodePng", [channels, bytes]],
    BMP: ["DecodeBmp", [asTheyAre]],
    WebP: ["DecodeWebP", [asTheyAre, bytes]],
  };
}

const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("Message: ").at(-1)?.trim() ?? "";

/** Pixels at the edge of a decoded part of a JPEG follow from a neighbour that is cut off: one more is read. */
const MARGIN = 1;

function withMargin(box: Box, image: Header): Box {
  const [top, left] = [Math.max(0, box.top - MARGIN), Math.max(0, box.left - MARGIN)];
  const bottom = Math.min(image.height, box.top + box.height + MARGIN);
  const right = Math.min(image.width, box.left + box.width + MARGIN);
  return { top, left, height: bottom - top, width: right - left };
}

type Shape = ImageSize & { readonly pictures: number; readonly colours: number };

function problemOf(found: Shape, asked: ImageSize): string | undefined {
  if (found.pictures !== 1) return `it contains ${found.pictures} images instead of one`;
  if (found.colours < 3) return "it has neither three channels nor four";
  if (found.height === asked.height && found.width === asked.width) return undefined;
  const [is, says] = [found, asked].map(({ height, width }) => `${width} x ${height}`);
  return `it decodes to ${is} pixels, but its header says ${says}`;
}

/** A decoder of TensorFlow's ops. */
export function openDecoder(ops: Ops): Decoder {
  const { binding, call, integers } = ops;
  const formats = formatOps(binding);
  const [, jpeg] = formats.JPEG;
  const bytes = { name: "T", type: binding.TF_ATTR_TYPE, value: DT.uint8 };
  const indices = { type: binding.TF_ATTR_TYPE, value: DT.int32 };

  function decodePart(contents: number, { top, left, height, width }: Box): NativeTensor {
    const window = integers([top, left, height, width]);
    try {
      return call("DecodeAndCropJpeg", jpeg, [contents, window]);
    } finally {
      binding.deleteTensor(window);
    }
  }

  /** The tensor as [H, W, 3]: of one picture of several (WebP), without a fourth color that says how opaque it is. */
  function asImage({ id, shape }: NativeTensor, { height, width }: Box): number {
    if (shape.length === 3 && shape[2] === 3) return id;
    const first = integers(shape.map(() => 0));
    const sizes = integers([...shape.slice(0, -3), height, width, 3]);
    const cut = call("Slice", [bytes, { ...indices, name: "Index" }], [id, first, sizes]);
    const flat = integers([height, width, 3]);
    const image = call("Reshape", [bytes, { ...indices, name: "Tshape" }], [cut.id, flat]);
    for (const done of [id, first, sizes, cut.id, flat]) binding.deleteTensor(done);
    return image.id;
  }

  function checked(tensor: NativeTensor, part: Box): number {
    const [colours = 0, width = 0, height = 0, pictures = 1] = [...tensor.shape].reverse();
    const problem = problemOf({ colours, width, height, pictures }, part);
    if (problem === undefined) return asImage(tensor, part);
    binding.deleteTensor(tensor.id);
    throw new ImageProblem(problem);
  }

  return {
    decode(file, header, asked = wholeOf(header)) {
      const contents = binding.createTensor([], DT.string, [file] as never);
      const part = header.format === "JPEG" ? withMargin(asked, header) : wholeOf(header);
      const isWhole = part.height === header.height && part.width === header.width;
      try {
        const [op, attributes] = formats[header.format];
        const { result: tensor, stderrText } = capturingStderr(() =>
          isWhole ? call(op, attributes, [contents]) : decodePart(contents, part),
        );
        const warning = stderrText.trim().split("\n")[0];
        return { id: checked(tensor, part), part, ...(warning && { warning }) };
      } catch (error) {
        if (error instanceof ImageProblem) throw error;
        throw new ImageProblem(`the ${header.format} is corrupt (TensorFlow: ${messageOf(error)})`);
      } finally {
        binding.deleteTensor(contents);
      }
    },
  };
}
