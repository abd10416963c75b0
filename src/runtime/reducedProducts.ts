/** What a processor has for convolutions in bfloat16 that is faster than products of float32. */
export interface ReducedProducts {
  /** Its part of a kernel set's name (ownOps.ts). */
  readonly name: string;
  /** What `pefd doctor` says after "in bfloat16". */
  readonly how: string;
  /** How long a step takes, in words, as part of one in float32 (docs/performance.md). */
  readonly time: string;
  /** Whether TensorFlow's convolutions gain by bfloat16, too: those that ours do not serve. */
  readonly servesTensorFlow: boolean;
}

/** By the names that the module of src/native gives (host/instruction_set.h). */
export const REDUCED_PRODUCTS = {
  AMX: {
    name: "amx",
    how: "by units for matrices (AMX)",
    time: "about half",
    servesTensorFlow: true,
  },
  VNNI: {
    name: "vnni",
    how: "by whole numbers of 16 bits (VNNI)",
    time: "about three fifths",
    servesTensorFlow: false,
  },
} satisfies Readonly<Record<string, ReducedProducts>>;

/** Those of a name; undefined where it names none. */
export const reducedNamed = (name: string | undefined): ReducedProducts | undefined =>
  Object.entries(REDUCED_PRODUCTS).find(([known]) => known === name)?.[1];
