import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { runError } from "../../common/errors.js";

/** Names as letters, one after the other: a million strings would take several times the memory. */
export interface NameList {
  readonly length: number;
  add(name: string): void;
  at(index: number): string;
  /** Copies that all threads share: UTF-8 letters, and [length + 1] where each name starts and the last ends. */
  shared(): { readonly names: Uint8Array<SharedArrayBuffer>; readonly starts: Uint32Array<SharedArrayBuffer> };
}

/** UTF-8 has at most so many bytes for a unit of UTF-16. */
const BYTES_A_UNIT = 3;

/** The same letters in larger memory, whose end nobody has touched: it takes none before it is written. */
function larger(letters: Buffer<ArrayBuffer>, bytes: number): Buffer<ArrayBuffer> {
  const memory = Buffer.allocUnsafe(bytes);
  letters.copy(memory);
  return memory;
}

/** A list of names, empty at first. */
export function createNameList(): NameList {
  const encoder = new TextEncoder();
  const starts = [0];
  let letters = Buffer.allocUnsafe(2 ** 16);
  const end = (): number => starts.at(-1) as number;
  return {
    get length() {
      return starts.length - 1;
    },
    add(name) {
      const most = end() + BYTES_A_UNIT * name.length;
      if (most > letters.length) letters = larger(letters, 2 * most);
      starts.push(end() + encoder.encodeInto(name, letters.subarray(end())).written);
    },
    at: (index) => letters.toString("utf8", starts[index], starts[index + 1]),
    shared() {
      const copies = {
        names: new Uint8Array(new SharedArrayBuffer(end())),
        starts: new Uint32Array(new SharedArrayBuffer(4 * starts.length)),
      };
      copies.names.set(letters.subarray(0, end()));
      copies.starts.set(starts);
      return copies;
    },
  };
}

const COLUMNS = 3;

/** Where an image lies in a file that several share, in bytes. */
export interface FilePart {
  /** Relative to the data folder. */
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** Where the files of images lie: in memory that all threads share, so that a million names are there once. */
export interface ImagePlaces {
  /** The folder that names are relative to. */
  readonly folder: string;
  /** All names in UTF-8, one after the other: of the images' own files, or whatever archives call them. */
  readonly names: Uint8Array<SharedArrayBuffer>;
  /** [count + 1], where each name starts and the last one ends. */
  readonly starts: Uint32Array<SharedArrayBuffer>;
  /** For images that share files; omitted where each has its own. */
  readonly shared?: {
    readonly files: readonly string[];
    /** [count, 3]: which of the files, offset and length in it of each image. */
    readonly parts: Float64Array<SharedArrayBuffer>;
  };
}

/** Places of images in files. @param names relative to the folder @param parts of each image, where they share files */
export function imagePlaces(
  folder: string,
  names: Iterable<string> | NameList,
  parts?: readonly FilePart[],
): ImagePlaces {
  const { shared } = "shared" in names ? names : listed(names);
  return { folder, ...shared(), ...(parts !== undefined && { shared: sharedFiles(parts) }) };
}

function listed(names: Iterable<string>): NameList {
  const list = createNameList();
  for (const name of names) list.add(name);
  return list;
}

function sharedFiles(parts: readonly FilePart[]): Required<ImagePlaces>["shared"] {
  const files = [...new Set(parts.map(({ file }) => file))];
  const numberOf = new Map(files.map((file, i) => [file, i]));
  const numbers = new Float64Array(new SharedArrayBuffer(8 * COLUMNS * parts.length));
  for (const [i, { file, offset, length }] of parts.entries()) {
    numbers.set([numberOf.get(file) as number, offset, length], COLUMNS * i);
  }
  return { files, parts: numbers };
}

/** The name of an image, relative to the folder. */
export function imageName({ names, starts }: ImagePlaces, image: number): string {
  // A decoder takes no memory that is shared.
  return Buffer.from(names.slice(starts[image], starts[image + 1])).toString();
}

/** Memory of at least so many bytes for a file that is read. */
export type Room = (bytes: number) => Uint8Array;

const newRoom: Room = (bytes) => Buffer.allocUnsafe(bytes);

/** The same memory for file after file, until the next is read: V8 would let megabytes of unneeded files lie. */
export function reusedRoom(): Room {
  let room: Uint8Array = newRoom(2 ** 18);
  return (bytes) => {
    if (bytes > room.length) room = newRoom(2 * bytes);
    return room.subarray(0, bytes);
  };
}

function readFrom(file: string, room: Room, part?: readonly [number, number]): Uint8Array {
  const opened = openSync(file, "r");
  try {
    const [offset, length] = part ?? [0, fstatSync(opened).size];
    const bytes = room(length);
    if (readSync(opened, bytes, 0, length, offset) === length) return bytes;
    throw new Error(`${file} ends before it`);
  } finally {
    closeSync(opened);
  }
}

/** The file that an image lies in, and where in it; undefined for all of it. */
function placeOf(places: ImagePlaces, image: number): [file: string, part?: [number, number]] {
  const { folder, shared } = places;
  if (shared === undefined) return [join(folder, imageName(places, image))];
  const at = COLUMNS * image;
  const [which, offset, length] = shared.parts.subarray(at, at + COLUMNS);
  return [join(folder, shared.files[which as number] as string), [offset as number, length as number]];
}

/** The bytes of an image's file. @param room where they go @throws runError where they cannot be read */
export function readImage(places: ImagePlaces, image: number, room: Room = newRoom): Uint8Array {
  const [file, part] = placeOf(places, image);
  try {
    return readFrom(file, room, part);
  } catch (error) {
    throw runError(
      `The image ${imageName(places, image)} cannot be read: ${(error as Error).message}.`,
      `Check ${file}; then continue the run with --resume.`,
    );
  }
}
