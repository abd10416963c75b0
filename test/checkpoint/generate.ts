import * as write from "#pefd/checkpoint/pickle/writer.js";
import type { Random } from "#pefd/common/random.js";
import { mutatePickle } from "./pickle/mutatePickle.js";
import { describedTensor, LEGACY_START, zipOf } from "./pthFiles.js";

const TYPES = [
  "DoubleStorage",
  "FloatStorage",
  "HalfStorage",
  "BFloat16Storage",
  "LongStorage",
  "IntStorage",
  "ShortStorage",
  "CharStorage",
  "ByteStorage",
  "BoolStorage",
] as const;
const SIZES: Readonly<Record<string, number>> = {
  DoubleStorage: 8,
  FloatStorage: 4,
  HalfStorage: 2,
  BFloat16Storage: 2,
  LongStorage: 8,
  IntStorage: 4,
  ShortStorage: 2,
  CharStorage: 1,
  ByteStorage: 1,
  BoolStorage: 1,
};

const oneOf = <T>(values: readonly T[], random: Random): T => values[random.integer(values.length)] as T;

/** Whether something that happens once in `times` happens. */
const once = (times: number, random: Random): boolean => random.integer(times) === 0;

interface Storage {
  readonly key: string;
  readonly type: string;
  readonly count: number;
  readonly data: Uint8Array;
}

function makeStorages(random: Random): Storage[] {
  return Array.from({ length: 1 + random.integer(3) }, (_, key) => {
    const type = oneOf(TYPES, random);
    const count = random.integer(25);
    const data = Uint8Array.from({ length: count * (SIZES[type] as number) }, () =>
      type === "BoolStorage" ? random.integer(2) : random.integer(256),
    );
    return { key: String(key), type, count, data };
  });
}

/** Strides of C order, now and then others: transposed, expanded, anything. */
function stridesOf(shape: readonly number[], random: Random): number[] {
  let stride = 1;
  const strides = [...shape].reverse().map((size) => {
    const own = stride;
    stride *= Math.max(size, 1);
    return own;
  });
  const inOrder = strides.reverse();
  if (once(3, random)) inOrder.sort(() => random.integer(3) - 1);
  return inOrder.map((each) => (once(8, random) ? random.integer(8) : each));
}

function makeTensor(storages: readonly Storage[], random: Random): write.Piece {
  const storage = oneOf(storages, random);
  const shape = Array.from({ length: random.integer(4) }, () => random.integer(5));
  const offset = once(2, random) ? random.integer(6) : 0;
  const type = once(30, random) ? oneOf(TYPES, random) : storage.type;
  const count = once(30, random) ? random.integer(30) : storage.count;
  const tensor = {
    key: storage.key,
    type,
    count,
    offset,
    shape,
    strides: stridesOf(shape, random),
  };
  const piece = describedTensor(tensor);
  return once(6, random)
    ? write.call("torch._utils", "_rebuild_parameter", [
        piece,
        write.boolean(true),
        write.call("collections", "OrderedDict", []),
      ])
    : piece;
}

/** A state_dict of a few tensors, alone or as training programs wrap it. */
function makeRoot(storages: readonly Storage[], random: Random): write.Piece {
  const entries = Array.from(
    { length: 1 + random.integer(4) },
    (_, i) => [`layer${i}.weight`, makeTensor(storages, random)] as const,
  );
  const state = once(2, random) ? write.orderedDict(entries) : write.dict(entries);
  if (once(2, random)) return state;
  return write.dict([
    [oneOf(["model", "state_dict", "net", "other"], random), state],
    ["epoch", write.number(random.integer(300))],
    ["opt", write.plain({ lr: 0.05, decay: [150, 180], name: "ü", none: null })],
  ]);
}

async function makeZip(pickle: Uint8Array, storages: readonly Storage[], random: Random) {
  const folder = oneOf(["archive/", "a/", "ckpt_epoch_240/", ""], random);
  const entries = [
    ["data.pkl", pickle] as const,
    ...storages.map(({ key, data }) => [`data/${key}`, data] as const),
    ...(once(2, random) ? [["byteorder", Buffer.from("little")] as const] : []),
    ["version", Buffer.from("3\n")] as const,
  ];
  if (once(20, random)) entries.splice(random.integer(entries.length), 1);
  if (once(10, random)) entries.reverse();
  const named = entries.map(([name, data]) => [folder + name, data] as const);
  return zipOf(named, once(6, random));
}

function makeLegacy(pickle: Uint8Array, storages: readonly Storage[]): Buffer {
  const system = write.dict([["little_endian", write.boolean(true)]]);
  const keys = write.list(storages.map(({ key }) => write.text(key)));
  const blocks = storages.flatMap(({ count, data }) => {
    const length = Buffer.alloc(8);
    length.writeBigInt64LE(BigInt(count));
    return [length, data];
  });
  return Buffer.concat([LEGACY_START, write.pickle(system), pickle, write.pickle(keys), ...blocks]);
}

/** A .pth file of a few tensors drawn at random, in either format; every other one has something changed in its pickle. */
export async function makePth(random: Random): Promise<Buffer> {
  const storages = makeStorages(random);
  const sound = write.pickle(makeRoot(storages, random));
  const pickle = once(2, random) ? mutatePickle(sound, random) : sound;
  return once(3, random) ? makeLegacy(pickle, storages) : makeZip(pickle, storages, random);
}

const KINDS = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "F8_E4M3"];
const BYTES: Readonly<Record<string, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
};

/** A .safetensors file of a few tensors drawn at random; every other one has a number or a letter of its header changed. */
export function makeSafetensors(random: Random): Buffer {
  let end = 0;
  const fields = Array.from({ length: 1 + random.integer(4) }, (_, i) => {
    const dtype = oneOf(KINDS, random);
    const shape = Array.from({ length: random.integer(4) }, () => random.integer(4));
    const begin = end;
    end += shape.reduce((a, b) => a * b, 1) * (BYTES[dtype] as number);
    return `"layer${i}.weight":{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`;
  });
  if (once(2, random)) fields.unshift('"__metadata__":{"epoch":"240","opt":"[1,2]"}');
  let header = `{${fields.join(",")}}`;
  if (once(2, random)) header = changed(header, random);
  if (once(3, random)) header += " ".repeat(random.integer(9));
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const data = Buffer.from(Uint8Array.from({ length: end }, () => random.integer(2)));
  return Buffer.concat([length, text, data]);
}

function changed(text: string, random: Random): string {
  const at = random.integer(text.length);
  const letter = oneOf(["0", "1", "9", ",", "]", "[", '"', "\\", "{", "}", "-", "e", ".", ""], random);
  return text.slice(0, at) + letter + text.slice(at + 1);
}
