import { fileURLToPath } from "node:url";
import { lastLine, runCommand } from "../command.js";
import type { OwnModule } from "../ownModule.js";

export interface Probe {
  /** TensorFlow's version; undefined when it did not load. */
  readonly version: string | undefined;
  readonly usesGpu: boolean;
  /** Whether our own ops serve a CPU; undefined when TensorFlow did not load. */
  readonly ownModule?: OwnModule;
  /** Why it did not load, or why it uses no GPU, as far as it said so. */
  readonly reason: string;
  /** What to do about a device that refused. */
  readonly hint?: string;
}

const PROGRAM = fileURLToPath(new URL("./probeProcess.js", import.meta.url));

/** Loading takes about a second; a driver that hangs must not hang us. */
const TIMEOUT_SECONDS = 120;

/** TensorFlow's messages about an unusable GPU, most specific first; the group captures the relevant part. */
const GPU_REASONS = [
  /Could not load dynamic library '.*?'; dlerror: (.*?)(?:; LD_LIBRARY_PATH|$)/m,
  /(failed call to cuInit.*)$/m,
  /(Ignoring visible gpu device.*)$/m,
  /((?:Cannot dlopen|Could not find cuda).*?)(?:\. |$)/im,
];

/** TensorFlow's own words about a GPU it cannot use, without the prefix of its log. */
export function gpuReason(log: string): string {
  const found = GPU_REASONS.map((pattern) => log.match(pattern)?.[1]);
  return found.find((reason) => reason !== undefined)?.trim() ?? "";
}

/** A user error in a trace: only its message. */
const loadReason = (log: string): string =>
  log.match(/^PefdError: .*?did not load: (.*)$/m)?.[1] ?? log.match(/^\w*Error: (.*)$/m)?.[1] ?? lastLine(log);

/** Loads TensorFlow in a separate process and reports the result. */
export async function probeTensorFlow(
  nodeProgram: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Probe> {
  const { code, stdout, stderr } = await runCommand(nodeProgram, [PROGRAM], {
    // Level 2 of the loader's log names the library that it could not load.
    env: { ...env, TF_CPP_MIN_LOG_LEVEL: "0", TF_CPP_VMODULE: "dso_loader=2" },
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  if (code !== 0) return { version: undefined, usesGpu: false, reason: loadReason(stderr) };
  const { refusal, ...found } = JSON.parse(stdout) as Omit<Probe, "reason"> & { readonly refusal?: string };
  return { ...found, reason: refusal ?? gpuReason(stderr) };
}
