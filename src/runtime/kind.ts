import { inputError } from "../common/errors.js";
import type { CommandOptions } from "./command.js";
import { listGpus } from "./nvidia.js";
import { RUNTIME_KINDS, type RuntimeKind } from "./wheels.js";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The kind of runtime that PEFD_RUNTIME asks for, or undefined where it is not set.
 * @throws inputError for any other word
 */
export function requestedKind(env: Environment): RuntimeKind | undefined {
  const word = env.PEFD_RUNTIME;
  if (!word) return undefined;
  const kind = RUNTIME_KINDS.find((known) => known === word);
  if (kind === undefined) {
    throw inputError(`PEFD_RUNTIME is ${word}; it can be ${RUNTIME_KINDS.join(" or ")}.`);
  }
  return kind;
}

/** The kind of runtime this machine is to have: what is asked for, else by whether a GPU answers. */
export async function wantedKind(
  env: Environment,
  options: CommandOptions = { env },
): Promise<RuntimeKind> {
  const gpuAnswers = async () => (await listGpus(options)).length > 0;
  return requestedKind(env) ?? ((await gpuAnswers()) ? "gpu" : "cpu");
}
