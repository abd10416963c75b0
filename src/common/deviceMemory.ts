import { environmentError, type PefdError, runError } from "./errors.js";

const OUT_OF_MEMORY =
  /OOM when allocating|RESOURCE_EXHAUSTED|out of memory|failed to allocate memory|Invalid TF_Status: 8\b|Dst tensor is not initialized/i;

const isOutOfMemory = (message: string): boolean => OUT_OF_MEMORY.test(message);

export const MEMORY_HINT = "Try a smaller --batch_size, or a smaller --data_budget_mb, which keeps images on the host.";

const SHARED_GPU = "nvidia-smi shows what other processes hold of the GPU's memory.";

/** On a GPU another process may hold the memory. */
const memoryHint = (message: string): string =>
  /CUDA|CUDNN|CUBLAS|GPU/i.test(message) ? `${MEMORY_HINT} ${SHARED_GPU}` : MEMORY_HINT;

type GpuError = readonly [pattern: RegExp, sentence: string, hint: string];

const OTHER_GPU = "--gpu N takes another GPU; PEFD_RUNTIME=cpu computes on the CPU.";

const GPU_ERRORS: readonly GpuError[] = [
  [
    /device(?:s|\(s\))? (?:are|is\/are) busy or unavailable|CUDA_ERROR_(?:DEVICES?_UNAVAILABLE|INVALID_DEVICE)/i,
    "The GPU is busy or unavailable: another process has it exclusively, or it has failed.",
    `nvidia-smi shows its processes and state. ${OTHER_GPU}`,
  ],
  [
    /CtxRetain failed: CUDA_ERROR_OUT_OF_MEMORY/,
    "The GPU has not even the memory left that a process needs to start on it.",
    `${SHARED_GPU} ${OTHER_GPU}`,
  ],
  [
    /ECC_UNCORRECTABLE|uncorrectable ECC|NVLINK_UNCORRECTABLE/i,
    "The GPU reported an uncorrectable memory error (ECC).",
    `It needs a reset (nvidia-smi -q -d ECC shows the count). ${OTHER_GPU} A checkpointed run goes on with --resume.`,
  ],
  [
    /UNSUPPORTED_PTX_VERSION|INVALID_PTX|NO_BINARY_FOR_GPU|INSUFFICIENT_DRIVER|SYSTEM_DRIVER_MISMATCH/,
    "NVIDIA's driver is too old for the kernels compiled for this GPU.",
    "Update the driver, or, on data center GPUs, put cuda-compat's folder first in LD_LIBRARY_PATH. pefd doctor shows the versions.",
  ],
  [
    /ILLEGAL_ADDRESS|illegal memory access|LAUNCH_(?:FAILED|TIMEOUT)|ILLEGAL_INSTRUCTION|MISALIGNED_ADDRESS|HARDWARE_STACK_ERROR/i,
    "A kernel failed on the GPU, which this process cannot use any more.",
    "Go on from the last checkpoint with --resume. If it fails again: pefd doctor --deep, and dmesg for NVIDIA's Xid.",
  ],
  [
    /(?:CUDNN|CUBLAS|CUSOLVER)_STATUS_(?:INTERNAL_ERROR|NOT_INITIALIZED|ALLOC_FAILED)|Failed to create \w+ handle/i,
    "cuDNN or cuBLAS could not start on the GPU, mostly because its memory is taken.",
    `${SHARED_GPU} Else: pefd doctor.`,
  ],
];

const NAMED_BY_CUDA = /\b(?:CUDA_ERROR|CUDNN_STATUS|CUBLAS_STATUS|CUSOLVER_STATUS|cudaError)_?\w+/;

/** What TensorFlow and XLA say in the status of a program that failed, or of a call into CUDA, on a GPU. */
const STATUS =
  /\b(?:INTERNAL|UNAVAILABLE|UNKNOWN|ABORTED|FAILED_PRECONDITION|UNIMPLEMENTED|NOT_FOUND): .*|\bcuda\w+\(\).* failed.*/;
const OF_A_GPU = /\b(?:cuda|cudnn|cublas|cusolver|nccl|ptxas|nvrtc|nvlink|libdevice|gpu)|DNN library|autotun/i;

/** The library's own name for an error, else its whole sentence. */
function namedByLibraries(message: string): string | undefined {
  const status = message.match(STATUS)?.[0];
  return message.match(NAMED_BY_CUDA)?.[0] ?? (status !== undefined && OF_A_GPU.test(status) ? status : undefined);
}

/** A device's out-of-memory, CUDA, cuDNN or cuBLAS error with a hint; undefined for others. */
export function deviceError(message: string): PefdError | undefined {
  if (isOutOfMemory(message)) return runError(memorySentence(message), memoryHint(message));
  const known = GPU_ERRORS.find(([pattern]) => pattern.test(message));
  if (known !== undefined) return environmentError(known[1], known[2]);
  const name = namedByLibraries(message);
  if (name === undefined) return undefined;
  return environmentError(
    `The GPU's libraries failed: ${name.replace(/\.$/, "")}.`,
    `pefd doctor looks at them; --debug shows more. ${OTHER_GPU}`,
  );
}

/** Whether an error or one of its causes is a device's: TensorFlow cannot be taken down in order after it. */
export const isDeviceError = (error: unknown): boolean =>
  error instanceof Error && (deviceError(error.message) !== undefined || isDeviceError(error.cause));

const BYTES = /(?:allocate|allocating) (\d+)(?: bytes|B)/i;
const SIZE = /(?:allocate|allocating) ([\d.]+)\s?([KMGT]iB)/i;
const SHAPE = /OOM when allocating tensor with shape(\[[\d,]*\]) and type (\w+)/i;

const sizeText = (bytes: number): string => {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
};

function asked(message: string): string | undefined {
  const bytes = message.match(BYTES)?.[1];
  if (bytes !== undefined) return sizeText(Number(bytes));
  const [, size, unit] = message.match(SIZE) ?? [];
  if (size !== undefined) return `${size} ${unit}`;
  const [, shape, type] = message.match(SHAPE) ?? [];
  return shape === undefined ? undefined : `a tensor ${shape} of ${type}`;
}

/** A sentence for a device out of memory. @param bytes a lower bound, for libraries that do not tell */
export function memorySentence(message: string, purpose = "", bytes?: number): string {
  const what = asked(message) ?? (bytes === undefined ? undefined : sizeText(bytes));
  if (what === undefined) return "Out of device memory.";
  return `The device has too little memory: it was asked for ${[what, purpose].join(" ").trim()}.`;
}

/** Runs work that allocates. @param purpose such as "for a step" @throws runError with the flags that reduce it */
export function takingMemory<Result>(purpose: string, bytes: number, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!isOutOfMemory(message)) throw error;
    const told = runError(memorySentence(message, purpose, bytes), memoryHint(message));
    throw Object.assign(told, { cause: error });
  }
}

/** Bytes of float32 tensors. */
export const float32Bytes = (tensors: Iterable<{ readonly size: number }>): number =>
  [...tensors].reduce((sum, { size }) => sum + 4 * size, 0);
