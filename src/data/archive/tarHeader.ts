/** What stands before a file in a tar archive. */
export interface TarHeader {
  readonly name: string;
  /** Of the file, in bytes. */
  readonly length: number;
  /** One letter: "0" is a file (POSIX.1-1988, ustar). */
  readonly type: string;
}

/** Archives consist of blocks of so many bytes; a header is one. */
export const BLOCK = 512;

// Where fields begin and end in a header.
const NAME = [0, 100] as const;
const SIZE = [124, 136] as const;
const SUM = [148, 156] as const;
const TYPE = 156;
const MAGIC = [257, 262] as const;
const PREFIX = [345, 500] as const;

const BLANK = 0x20;
/** In the first byte of a number that is written as bytes, not as octal digits. */
const BINARY = 0x80;

/** A field's text, up to the first zero. */
function textIn(block: Buffer, [start, end]: readonly [number, number]): string {
  const zero = block.indexOf(0, start);
  return block.toString("utf8", start, zero < 0 ? end : Math.min(zero, end));
}

/** A number: octal digits, or bytes where it is too large for them (GNU). NaN where it is neither. */
function numberIn(block: Buffer, [start, end]: readonly [number, number]): number {
  if (((block[start] as number) & BINARY) !== 0) {
    const bytes = block.subarray(start + 1, end);
    return bytes.reduce((sum, byte) => sum * 256 + byte, (block[start] as number) & 0x3f);
  }
  const text = block.toString("latin1", start, end).replace(/[\0 ]+$/, "");
  return /^ *[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

/** The sum of a header's bytes, those of the sum itself as blanks. */
function sumOf(block: Buffer): number {
  let sum = BLANK * (SUM[1] - SUM[0]);
  for (let i = 0; i < SUM[0]; i++) sum += block[i] as number;
  for (let i = SUM[1]; i < BLOCK; i++) sum += block[i] as number;
  return sum;
}

/**
 * Reads a header.
 * @param block of BLOCK bytes
 * @returns "end" for zeros, which end an archive; undefined for what is no header
 */
export function readTarHeader(block: Buffer): TarHeader | "end" | undefined {
  const sum = sumOf(block);
  if (sum === BLANK * (SUM[1] - SUM[0]) && block[SUM[0]] === 0) return "end";
  const length = numberIn(block, SIZE);
  if (sum !== numberIn(block, SUM) || !Number.isSafeInteger(length)) return undefined;
  const prefix =
    textIn(block, MAGIC) === "ustar" && block[MAGIC[1]] === 0 ? textIn(block, PREFIX) : "";
  const name = prefix === "" ? textIn(block, NAME) : `${prefix}/${textIn(block, NAME)}`;
  const type = block[TYPE] === 0 ? "0" : String.fromCharCode(block[TYPE] as number);
  return { name, length, type };
}
