import { existsSync, readFileSync } from "node:fs";
import { processorBfloat16 } from "#pefd/runtime/device.js";

const FILE = "/proc/cpuinfo";
const cpuinfo = existsSync(FILE) ? readFileSync(FILE, "utf8") : "";

/** Why the graph engine has no bfloat16 here, or false. */
export const lacksBfloat16: string | false = processorBfloat16().isThere
  ? false
  : "this processor has no bfloat16 convolutions: they need AVX-512";

/** Why int8 is not compared with float32 here, or false: ONNX Runtime's sums may saturate (docs/export.md). */
export const saturatesInt8: string | false =
  /\bavx2\b/.test(cpuinfo) && !/vnni\b/.test(cpuinfo)
    ? "this processor has no VNNI: ONNX Runtime may saturate sums of int8 products"
    : false;

/**
 * This machine's processor by vendor, family, model and whether it has AVX-512 ("GenuineIntel 6 143 avx512"):
 * TensorFlow and oneDNN choose their kernels by these, and so the last bits. Undefined where /proc/cpuinfo does not
 * tell.
 */
export function processorFamily(): string | undefined {
  const field = (name: string) => new RegExp(`^${name}\\s*:\\s*(\\S+)`, "m").exec(cpuinfo)?.[1];
  const parts = [field("vendor_id"), field("cpu family"), field("model")];
  if (parts.includes(undefined)) return undefined;
  return [...parts, /\bavx512f\b/.test(cpuinfo) ? "avx512" : "no avx512"].join(" ");
}
