/** Names as letters, one after the other: a million strings would take several times the memory. */
export interface NameList {
  readonly length: number;
  add(name: string): void;
  at(index: number): string;
  /** Copies in memory that all threads share: letters in UTF-8, and [length + 1] where each name starts and the last ends. */
  shared(): {
    readonly names: Uint8Array<SharedArrayBuffer>;
    readonly starts: Uint32Array<SharedArrayBuffer>;
  };
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
