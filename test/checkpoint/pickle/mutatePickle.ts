import type { Random } from "#pefd/common/random.js";

/** How the argument of an operation is written: so many bytes, so many lines, or a length of so many bytes before it. */
type Form = { readonly bytes: number } | { readonly lines: number } | { readonly length: number };

const FORMS: readonly (readonly [operations: string, form: Form])[] = [
  ["N\x88\x89])}(.012aesudltobRQ\x81\x85\x86\x87\x8f\x90\x91\x93\x94", { bytes: 0 }],
  ["Khq\x80", { bytes: 1 }],
  ["M", { bytes: 2 }],
  ["Jjr", { bytes: 4 }],
  ["G\x95", { bytes: 8 }],
  ["ILFSVgpP", { lines: 1 }],
  ["ci", { lines: 2 }],
  ["U\x8cC\x8a", { length: 1 }],
  ["TXB\x8b", { length: 4 }],
  ["\x8d\x8e\x96", { length: 8 }],
];

const formOf = (operation: string): Form =>
  FORMS.find(([operations]) => operations.includes(operation))?.[1] ?? { bytes: 0 };

/** One operation of a pickle with its argument, one character per byte. */
interface Token {
  readonly operation: string;
  readonly argument: string;
}

function argumentEnd(text: string, start: number, form: Form): number {
  if ("bytes" in form) return start + form.bytes;
  if ("length" in form) {
    const bytes = Buffer.from(text.slice(start, start + Math.min(form.length, 6)), "latin1");
    return start + form.length + bytes.readUIntLE(0, bytes.length);
  }
  let end = start;
  for (let lines = form.lines; lines > 0; lines--) end = text.indexOf("\n", end) + 1;
  return end;
}

/** The operations of a sound pickle. */
export function tokens(pickle: Uint8Array): Token[] {
  const text = Buffer.from(pickle).toString("latin1");
  const found: Token[] = [];
  for (let at = 0; at < text.length; ) {
    const operation = text[at] as string;
    const end = argumentEnd(text, at + 1, formOf(operation));
    found.push({ operation, argument: text.slice(at + 1, end) });
    at = end;
  }
  return found;
}

const oneOf = <T>(values: ArrayLike<T>, random: Random): T => values[random.integer(values.length)] as T;

const bytes = (value: bigint, size: number): string => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt.asUintN(64, value));
  return buffer.toString("latin1", 0, size);
};

const NUMBERS = [0n, 1n, 2n, 3n, 6n, 0x7fn, 0xffn, 0xffffn, 0x7fffffffn, 0xffffffffn, -1n];
const TEXTS = ["0", "1", "model", "storage", "cpu", "", "ü", "w", "../x", "x".repeat(200), "latin1"];
const LINES = ["0", "1", "-1", "01", "9".repeat(30), "1.5", "nan", "'a'", "x"];
const NAMES = [
  "torch\nLongStorage",
  "torch\nFloatStorage",
  "torch\nBoolStorage",
  "torch\nHalfStorage",
  "torch\nSize",
  "torch\nTensor",
  "torch._utils\n_rebuild_parameter",
  "builtins\nset",
  "torch._utils\n_rebuild_tensor",
  "torch._utils\n_rebuild_tensor_v2",
  "os\nsystem",
  "collections\nOrderedDict",
  "argparse\nNamespace",
  "_codecs\nencode",
  "numpy\ndtype",
];

/** Another argument of the same form. */
function oddArgument({ operation }: Token, random: Random): string {
  const form = formOf(operation);
  if ("bytes" in form) return bytes(oneOf(NUMBERS, random), form.bytes);
  if ("lines" in form) {
    return form.lines === 2 ? `${oneOf(NAMES, random)}\n` : `${oneOf(LINES, random)}\n`;
  }
  const content = Buffer.from(oneOf(TEXTS, random)).toString("latin1");
  return bytes(BigInt(content.length), form.length) + content;
}

/** Another operation with an argument of the same form. */
function relative({ operation }: Token, random: Random): string {
  return oneOf(FORMS.find(([operations]) => operations.includes(operation))?.[0] ?? "N", random);
}

type Change = (list: Token[], at: number, random: Random) => void;

const CHANGES: readonly Change[] = [
  (list, at, random) => {
    const token = list[at] as Token;
    list[at] = { ...token, argument: oddArgument(token, random) };
  },
  (list, at, random) => {
    const token = list[at] as Token;
    list[at] = { ...token, operation: relative(token, random) };
  },
  (list, at) => void list.splice(at, 1),
  (list, at, random) => void list.splice(at, 0, oneOf(list, random)),
  (list, at, random) => {
    list[at] = oneOf(list, random);
  },
  (list, at) => void list.splice(at, 2, ...list.slice(at, at + 2).reverse()),
  (list, at, random) => {
    const [operation, index] = [oneOf("qh", random), random.integer(4)];
    list.splice(at, 0, { operation, argument: String.fromCharCode(index) });
  },
];

/** A pickle with one or two of its operations changed, which is a pickle in form. */
export function mutatePickle(pickle: Uint8Array, random: Random): Uint8Array {
  const list = tokens(pickle);
  for (let left = 1 + random.integer(2); left > 0 && list.length > 1; left--) {
    // The first changes come most often, as they leave most to read.
    const change = CHANGES[Math.floor(random.uniform() ** 2 * CHANGES.length)] as Change;
    change(list, random.integer(list.length - 1), random);
  }
  const text = list.map(({ operation, argument }) => operation + argument).join("");
  return Buffer.from(text, "latin1");
}
