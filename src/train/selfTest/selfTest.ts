import { fileURLToPath } from "node:url";
import type { EngineName, PrecisionName } from "../../compile/types.js";
import { lastLine, runCommand } from "../../runtime/command.js";
import type { Check } from "../../runtime/doctor/doctor.js";
import type { Computed } from "./selfTestProcess.js";

/**
 * Bounds of ||difference|| / ||value||: float32 sums in another order differ by 1e-6, TF32 or float16 factors
 * by about 2^-11 of each product, bfloat16 factors by 2^-8, which a gradient through batch normalisation takes some times over.
 */
const BOUNDS: Readonly<Record<PrecisionName, number>> = { float32: 1e-4, bfloat16: 3e-2, float16: 4e-3 };

const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

/** The largest relative error, and the first quantity beyond the precision's bound. */
export function compareComputed(
  found: Computed["values"],
  wanted: Computed["values"],
  precision: PrecisionName,
): { readonly largest: number; readonly failure?: string } {
  const errors = Object.entries(wanted).map(([name, values]): [string, number] => {
    const difference = norm(values.map((value, i) => value - (found[name]?.[i] ?? Number.NaN)));
    return [name, difference / norm(values)];
  });
  const wrong = errors.find(([, error]) => !(error <= BOUNDS[precision]));
  const largest = Math.max(...errors.map(([, error]) => error));
  if (wrong === undefined) return { largest };
  const [name, error] = wrong;
  const how = Number.isFinite(error) ? `is off by ${error.toPrecision(2)} of its size` : "is no number";
  return { largest, failure: `in ${precision}, ${name} ${how}; at most ${BOUNDS[precision]} is rounding` };
}

const PROGRAM = fileURLToPath(new URL("./selfTestProcess.js", import.meta.url));

/** A GPU without kernels of its own for TensorFlow's compiles them first. */
const TIMEOUT_SECONDS = 1800;

/** @returns what a process computed, or why it did not */
async function computedBy(
  program: string,
  words: readonly [EngineName, PrecisionName],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Computed | string> {
  const { code, stdout, stderr } = await runCommand(program, [PROGRAM, ...words], {
    env,
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  if (code === 0) return JSON.parse(stdout) as Computed;
  return stderr.match(/^PefdError: (.*)$/m)?.[1] ?? stderr.match(/^\w*Error: (.*)$/m)?.[1] ?? lastLine(stderr);
}

const HINT =
  "Take another GPU (--gpu N), or compute on the CPU (PEFD_RUNTIME=cpu); a reset may help (nvidia-smi --gpu-reset).";

/**
 * A training step's parts computed with XLA on the device in each precision, against TensorFlow's op by op on the CPU.
 * @param node the program that runs Node.js
 */
export async function arithmeticCheck(node: string, env: Readonly<Record<string, string | undefined>>): Promise<Check> {
  const check = { name: "arithmetic", title: "Arithmetic", required: true } as const;
  const failed = (detail: string): Check => ({ ...check, ok: false, detail, hint: HINT });
  const wanted = await computedBy(node, ["eager", "float32"], { ...env, PEFD_RUNTIME: "cpu" });
  if (typeof wanted === "string") return failed(`the CPU did not compute: ${wanted}`);
  const said: string[] = [];
  for (const precision of Object.keys(BOUNDS) as PrecisionName[]) {
    const found = await computedBy(node, ["xla", precision], env);
    if (typeof found === "string") return failed(`in ${precision}, the device did not compute: ${found}`);
    const { largest, failure } = compareComputed(found.values, wanted.values, precision);
    if (failure !== undefined) return failed(`${found.device}: ${failure}`);
    said.push(`${precision} within ${largest.toExponential(0)}`);
  }
  const detail = `convolution, its gradients, batch normalisation and update agree with the CPU's: ${said.join(", ")}`;
  return { ...check, ok: true, detail };
}
