import { cudaVersionText, type Gpu, isOlder } from "./types.js";

/** Driver requirement of a range of compute capabilities, by its lowest. */
interface Generation {
  readonly from: string;
  readonly name: string;
  /** The oldest driver that can run it with this runtime. */
  readonly driver: string;
  /** The CUDA version that this driver knows, as CUDA counts it. */
  readonly cuda: number;
  /** Why no older driver will do. */
  readonly because: string;
  readonly note?: string;
}

/**
 * Measured in the libraries that setup pins: TensorFlow 2.21 has machine code for 6.0, 7.0, 8.0 and 8.9 (the same
 * major number), else PTX of CUDA 12.5; cuDNN 9.28's convolutions have none below 7.5; ptxas 12.9 compiles up to 12.1.
 */
const OLDEST = "7.5";
const NEWEST = "12.1";

const JIT =
  "TensorFlow has no binary kernels for it: the driver compiles each kernel on first use, which can take " +
  "30 minutes in total, and caches them in pefd's cache folder";

const GENERATIONS: readonly Generation[] = [
  {
    from: OLDEST,
    name: "Turing, Ampere or Ada",
    driver: "525.60.13",
    cuda: 12000,
    because: "the first version for CUDA 12",
  },
  {
    from: "9.0",
    name: "Hopper",
    driver: "555.42.02",
    cuda: 12050,
    because: "TensorFlow has most kernels for it only as CUDA 12.5 PTX",
  },
  {
    from: "10.0",
    name: "Blackwell",
    driver: "570.26",
    cuda: 12080,
    because: "the first version that supports this generation",
    note: JIT,
  },
  {
    from: "12.1",
    name: "Blackwell",
    driver: "575.51.03",
    cuda: 12090,
    because: "the first version that supports this GPU",
    note: JIT,
  },
];

/** Data center GPUs come with older drivers, which run newer CUDA through NVIDIA's compatibility package. */
const compatHint = (capability: string): string =>
  isOlder(capability, "9.0")
    ? ""
    : " On a data center GPU whose driver you may not update: install NVIDIA's package cuda-compat-12-9 and put its folder" +
      " (/usr/local/cuda-12.9/compat) in LD_LIBRARY_PATH.";

export type Verdict =
  | { readonly fits: true; readonly note?: string }
  | { readonly fits: false; readonly why: string; readonly hint: string };

/** Whether a driver is too old for a generation; an unknown one is not. */
function isTooOld(driver: string | undefined, cuda: number | undefined, needs: Generation) {
  if (driver !== undefined) return isOlder(driver, needs.driver);
  return cuda !== undefined && cuda < needs.cuda;
}

/** Whether this runtime can compute on a GPU; unknowns count as fit. @param cuda the driver's CUDA version */
export function judgeGpu({ name, capability, driver }: Gpu, cuda?: number): Verdict {
  if (capability !== undefined && isOlder(capability, OLDEST)) {
    return {
      fits: false,
      why: `${name} has compute capability ${capability}, but cuDNN 9.28 needs at least ${OLDEST} (Turing)`,
      hint: "Use a newer GPU.",
    };
  }
  if (capability !== undefined && isOlder(NEWEST, capability)) {
    return {
      fits: false,
      why: `${name} has compute capability ${capability}, but CUDA 12.9 supports at most ${NEWEST}`,
      hint: "Use another GPU.",
    };
  }
  const at = capability ?? OLDEST;
  const needs = GENERATIONS.findLast(({ from }) => !isOlder(at, from)) as Generation;
  if (!isTooOld(driver, cuda, needs)) {
    return needs.note === undefined ? { fits: true } : { fits: true, note: needs.note };
  }
  const known = driver === undefined ? `a driver for CUDA ${cudaVersionText(cuda ?? 0)}` : `driver ${driver}`;
  return {
    fits: false,
    why: `${name} has ${known}, but a GPU of compute capability ${at} needs ${needs.driver} or newer: ${needs.because}`,
    hint: `Update the NVIDIA driver to ${needs.driver} or newer.${compatHint(at)}`,
  };
}

/** The place of the first GPU that this runtime can compute on; 0 where none is fit. */
export const firstFit = (gpus: readonly Gpu[], cuda?: number): number =>
  Math.max(
    0,
    gpus.findIndex((gpu) => judgeGpu(gpu, cuda).fits),
  );
