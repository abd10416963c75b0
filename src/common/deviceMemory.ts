import { runError } from "./errors.js";

/** How TensorFlow, XLA and TensorFlow.js say that a device's memory is used up. */
const OUT_OF_MEMORY =
  /OOM when allocating|RESOURCE_EXHAUSTED|out of memory|failed to allocate memory|Invalid TF_Status: 8\b|Dst tensor is not initialized/i;

/** Whether an error's message says that a device's memory is used up. */
export const isOutOfMemory = (message: string): boolean => OUT_OF_MEMORY.test(message);

/** Whether an error, or one behind it, is that a device's memory is used up. */
export const isMemoryError = (error: unknown): boolean =>
  error instanceof Error && (isOutOfMemory(error.message) || isMemoryError(error.cause));

/** Hint for running out of memory. */
export const MEMORY_HINT = "Try a smaller --batch_size, or a smaller --data_budget_mb, which keeps images on the host.";

const BYTES = /(?:allocate|allocating) (\d+)(?: bytes|B)/i;
const SIZE = /(?:allocate|allocating) ([\d.]+)\s?([KMGT]iB)/i;
const SHAPE = /OOM when allocating tensor with shape(\[[\d,]*\]) and type (\w+)/i;

/** A human-readable size, in powers of 1000 bytes. */
const sizeText = (bytes: number): string => {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
};

/** The failed allocation, from the library's message. */
function asked(message: string): string | undefined {
  const bytes = message.match(BYTES)?.[1];
  if (bytes !== undefined) return sizeText(Number(bytes));
  const [, size, unit] = message.match(SIZE) ?? [];
  if (size !== undefined) return `${size} ${unit}`;
  const [, shape, type] = message.match(SHAPE) ?? [];
  return shape === undefined ? undefined : `a tensor ${shape} of ${type}`;
}

/**
 * A sentence for a device whose memory is used up, with what was asked for as far as it is known.
 * @param message of TensorFlow's error
 * @param purpose such as "for a step"
 * @param bytes what it takes at least, for a library that does not say it
 */
export function memorySentence(message: string, purpose = "", bytes?: number): string {
  const what = asked(message) ?? (bytes === undefined ? undefined : sizeText(bytes));
  if (what === undefined) return "Out of device memory.";
  return `The device has too little memory: it was asked for ${[what, purpose].join(" ").trim()}.`;
}

/**
 * Does something that takes a device's memory.
 * @param purpose what for, such as "for a step"
 * @param bytes what it takes at least, for a library that does not say it
 * @throws runError that says what was asked for and which flags make it smaller
 */
export function takingMemory<Result>(purpose: string, bytes: number, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!isOutOfMemory(message)) throw error;
    const told = runError(memorySentence(message, purpose, bytes), MEMORY_HINT);
    throw Object.assign(told, { cause: error });
  }
}

/** Bytes of float32 tensors. */
export const float32Bytes = (tensors: Iterable<{ readonly size: number }>): number =>
  [...tensors].reduce((sum, { size }) => sum + 4 * size, 0);
