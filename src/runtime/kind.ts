import { inputError } from "../common/errors.js";
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
  if (kind !== undefined) return kind;
  throw inputError(
    `PEFD_RUNTIME is ${word}; it can be ${RUNTIME_KINDS.join(" or ")}.`,
    "Unset it to let the machine decide.",
  );
}

/** The kind of runtime this machine is to have: what is asked for, else by whether a GPU answers. */
export const wantedKind = (env: Environment): RuntimeKind =>
  requestedKind(env) ?? (listGpus(env).length > 0 ? "gpu" : "cpu");

/** Whether an installed kind will do; a GPU's also serves a machine whose GPU is gone. */
export function isWantedKind(kind: RuntimeKind, env: Environment): boolean {
  const requested = requestedKind(env);
  if (requested !== undefined) return kind === requested;
  return kind === "gpu" || wantedKind(env) === "cpu";
}
