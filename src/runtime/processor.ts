import { existsSync, readFileSync } from "node:fs";

/** What a processor has for bfloat16. */
export interface Bfloat16Support {
  /** Whether oneDNN has convolutions in bfloat16 for it: it takes AVX-512, or AVX2 with conversions from bfloat16. */
  readonly isThere: boolean;
  /** Whether it multiplies matrices of bfloat16 in units of their own (AMX). */
  readonly hasUnits: boolean;
}

const CPUINFO = "/proc/cpuinfo";

/**
 * What Linux tells of a processor's bfloat16. Where nothing is told, it is taken to be there.
 * @param cpuinfo text of /proc/cpuinfo
 */
export function bfloat16Of(cpuinfo: string): Bfloat16Support {
  const has = (flag: string): boolean => new RegExp(`\\b${flag}\\b`).test(cpuinfo);
  const tellsNothing = !/^flags\s*:/m.test(cpuinfo);
  return {
    isThere: tellsNothing || has("avx512bw") || has("avx_ne_convert"),
    hasUnits: has("amx_bf16"),
  };
}

let support: Bfloat16Support | undefined;

/** That of this machine's processor. */
export function processorBfloat16(): Bfloat16Support {
  support ??= bfloat16Of(existsSync(CPUINFO) ? readFileSync(CPUINFO, "utf8") : "");
  return support;
}
