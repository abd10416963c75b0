import { existsSync, readFileSync } from "node:fs";

/**
 * This machine's processor by vendor, family, model and whether it has AVX-512 ("GenuineIntel 6 143 avx512"):
 * TensorFlow and oneDNN choose their kernels by these, and so the last bits. Undefined where /proc/cpuinfo does not
 * tell.
 */
export function processorFamily(): string | undefined {
  const file = "/proc/cpuinfo";
  const cpuinfo = existsSync(file) ? readFileSync(file, "utf8") : "";
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(\\S+)`, "m").exec(cpuinfo)?.[1];
  const parts = [field("vendor_id"), field("cpu family"), field("model")];
  if (parts.includes(undefined)) return undefined;
  return [...parts, /\bavx512f\b/.test(cpuinfo) ? "avx512" : "no avx512"].join(" ");
}
