/** An instruction of a compiled program. */
interface Instruction {
  /** Its result's type and shape, such as `bf16[64,32,32,3]{3,2,1,0}` or a tuple. */
  readonly shape: string;
  readonly operation: string;
  /** Names of its operands. */
  readonly operands: readonly string[];
  readonly line: string;
}

type Computation = ReadonlyMap<string, Instruction>;

const INSTRUCTION = /^\s+(?:ROOT )?%([\w.-]+) = (.*?) ([a-z][a-z-]*)\((.*)$/;

const BYTES: Readonly<Record<string, number>> = { pred: 1, s8: 1, u8: 1, bf16: 2, f16: 2, s32: 4, u32: 4, f32: 4 };

/** Instructions that launch nothing, or whose bodies are counted apart. */
const FREE = new Set(["bitcast", "constant", "get-tuple-element", "parameter", "tuple", "while"]);

/** Those that read a part of their first operand. */
const SLICES = new Set(["dynamic-slice", "slice", "gather"]);
const UPDATE = "dynamic-update-slice";

function read(lines: readonly string[]): Map<string, Instruction> {
  return new Map(
    lines.flatMap((line): [string, Instruction][] => {
      const [, name = "", shape = "", operation = "", rest = ""] = line.match(INSTRUCTION) ?? [];
      const operands = [...(rest.split("), ")[0] ?? "").matchAll(/%([\w.-]+)/g)].map(
        ([, operand]) => operand as string,
      );
      return name === "" ? [] : [[name, { shape, operation, operands, line }]];
    }),
  );
}

/** Bytes of a type; those of a library's scratch memory, the last of its results, do not count. */
function bytesOf(shape = ""): number {
  const results = shape.replace(/, [us]8\[\d+\](?:\{0\})?\)$/, ")");
  return [...results.matchAll(/\b([a-z]+\d*)\[([\d,]*)\]/g)].reduce((sum, [, type = "", sizes = ""]) => {
    const elements = sizes === "" ? 1 : sizes.split(",").reduce((product, size) => product * Number(size), 1);
    return sum + elements * (BYTES[type] ?? 0);
  }, 0);
}

/** Bytes that the users of a value read of it: slices where all of them take slices. */
function bytesRead(name: string, users: readonly Instruction[], whole: number): number {
  const parts = users.map(({ operation, operands, shape }) => {
    if (operands[0] !== name) return whole;
    if (SLICES.has(operation)) return bytesOf(shape);
    return operation === UPDATE ? 0 : whole;
  });
  return Math.min(
    whole,
    parts.reduce((sum, part) => sum + part, 0),
  );
}

/** Bytes that an instruction writes: of an update in place the part that is new. */
function bytesWritten({ shape, operation, operands }: Instruction, inside: Computation): number {
  const of = (name: string | undefined) => inside.get(name ?? "");
  if (operation === UPDATE) return bytesOf(of(operands[1])?.shape);
  if (operation === "bitcast" && of(operands[0])) return bytesWritten(of(operands[0]) as Instruction, inside);
  if (operation !== "tuple") return bytesOf(shape);
  return operands.reduce((sum, name) => sum + (of(name) ? bytesWritten(of(name) as Instruction, inside) : 0), 0);
}

/** Bytes that a fusion's kernel reads and writes. */
function fusionBytes(inside: Computation): number {
  const all = [...inside.values()];
  const reads = [...inside].filter(([, { operation }]) => operation === "parameter");
  const root = all.find(({ line }) => line.trimStart().startsWith("ROOT "));
  const sum = reads.reduce((total, [name, { shape }]) => {
    const users = all.filter(({ operands }) => operands.includes(name));
    return total + bytesRead(name, users, bytesOf(shape));
  }, 0);
  return sum + (root ? bytesWritten(root, inside) : 0);
}

/**
 * Bytes that the kernels of a computation read and write, each operand and result once per kernel.
 * @param parts the lines of all computations by name, with their percent sign
 */
export function trafficOf(lines: readonly string[], parts: ReadonlyMap<string, readonly string[]>): number {
  const inside = read(lines);
  return [...inside].reduce((total, [, instruction]) => {
    const { operation, operands, line } = instruction;
    if (FREE.has(operation)) return total;
    const called = operation === "fusion" ? parts.get(line.match(/ calls=(%[\w.-]+)/)?.[1] ?? "") : undefined;
    if (called !== undefined) return total + fusionBytes(read(called));
    const reads = operands.map((name) => bytesRead(name, [instruction], bytesOf(inside.get(name)?.shape)));
    return total + reads.reduce((sum, bytes) => sum + bytes, 0) + bytesWritten(instruction, inside);
  }, 0);
}
