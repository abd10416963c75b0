import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";
import * as write from "#pefd/checkpoint/pickle/writer.js";

/** A tensor as torch.save describes it, right or wrong. */
export interface Described {
  readonly key: string;
  readonly type?: string;
  readonly count: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** A view of the storage, as the oldest files have it. */
  readonly view?: write.Piece;
}

/** `_rebuild_tensor_v2(...)` of any storage, offset, shape and strides. */
export function describedTensor(tensor: Described): write.Piece {
  const { key, type = "FloatStorage", count, offset = 0, shape, strides, view } = tensor;
  const id = [
    write.text("storage"),
    write.global("torch", type),
    write.text(key),
    write.text("cuda:0"),
    write.number(count),
    ...(view ? [view] : []),
  ];
  return write.call("torch._utils", "_rebuild_tensor_v2", [
    write.persistentId(write.tuple(id)),
    write.number(offset),
    write.tuple(shape.map(write.number)),
    write.tuple(strides.map(write.number)),
    write.boolean(false),
    write.call("collections", "OrderedDict", []),
  ]);
}

/** The bytes of float32 numbers. */
export const float32Bytes = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

/** A zip file of these entries, in this order. */
export async function zipOf(
  entries: readonly (readonly [name: string, data: Uint8Array])[],
  compress = false,
): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, data] of entries) zip.addBuffer(Buffer.from(data), name, { compress });
  zip.end();
  return buffer(zip.outputStream);
}

/** A file in torch.save's zip format. */
export const pthZip = (
  root: write.Piece,
  storages: Readonly<Record<string, Uint8Array>>,
  { folder = "any name", compress = false } = {},
): Promise<Buffer> =>
  zipOf(
    [
      [`${folder}/data.pkl`, write.pickle(root)],
      ...Object.entries(storages).map(([key, data]) => [`${folder}/data/${key}`, data] as const),
      [`${folder}/version`, Buffer.from("3\n")],
    ],
    compress,
  );

/** The pickle of torch.save's magic number, then of its version. */
export const LEGACY_START = Buffer.from("80028a0a6cfc9c46f9206aa850192e80024de9032e", "hex");

/** A file in the format before PyTorch 1.6. */
export function pthLegacy(
  root: write.Piece,
  storages: readonly (readonly [key: string, count: number, data: Uint8Array])[],
  littleEndian = true,
): Buffer {
  const system = write.dict([["little_endian", write.boolean(littleEndian)]]);
  const keys = write.list(storages.map(([key]) => write.text(key)));
  const blocks = storages.flatMap(([, count, data]) => {
    const length = Buffer.alloc(8);
    length.writeBigInt64LE(BigInt(count));
    return [length, data];
  });
  const pickles = [system, root, keys].map(write.pickle);
  return Buffer.concat([LEGACY_START, ...pickles, ...blocks]);
}
