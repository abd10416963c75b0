/** The process's environment, or one like it. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Gpu {
  readonly name: string;
  /** Compute capability as NVIDIA writes it: "9.0" is an H100; undefined where an old nvidia-smi is all there is. */
  readonly capability: string | undefined;
  /** Bytes. */
  readonly memory?: number;
  /** Such as "580.82.07". */
  readonly driver: string | undefined;
  /** "GPU-..." or "MIG-..." of its own. */
  readonly uuid?: string;
  readonly bus?: string;
}

const parts = (version: string): number[] => version.split(".").map((part) => Number(part) || 0);

/** Whether a version such as "9.0" or "555.42.02" comes before another. */
export function isOlder(version: string, other: string): boolean {
  const [a, b] = [parts(version), parts(other)];
  const at = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i);
  const first = at.find((i) => (a[i] ?? 0) !== (b[i] ?? 0));
  return first !== undefined && (a[first] ?? 0) < (b[first] ?? 0);
}

/** A version as CUDA counts it, thousands and tens: 12090 is "12.9". */
export const cudaVersionText = (version: number): string =>
  `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;

/** A version as cuDNN 9 counts it, ten thousands and hundreds: 92800 is "9.28.0". */
export const cudnnVersionText = (version: number): string =>
  `${Math.floor(version / 10000)}.${Math.floor((version % 10000) / 100)}.${version % 100}`;
