import { environmentError, inputError } from "../../common/errors.js";
import { gpuOutlook, type Outlook } from "../gpu/outlook.js";
import { type SurveyPlaces, surveyGpus } from "../gpu/survey.js";
import type { Environment } from "../gpu/types.js";
import { RUNTIME_KINDS, type RuntimeKind } from "./wheels.js";

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

const outlookHere = (env: Environment, places?: SurveyPlaces): Outlook =>
  gpuOutlook(surveyGpus(env, places), env);

/** What a GPU that is asked for, or used, should be known for. */
function noticeOf(outlook: Outlook, requested: RuntimeKind | undefined): string | undefined {
  if (outlook.state === "fits") return outlook.note && `${outlook.gpu.name}: ${outlook.note}`;
  if (outlook.state === "none") return undefined;
  const end =
    requested === "gpu" ? "PEFD_RUNTIME=gpu asks for its runtime all the same" : outlook.hint;
  return `warning: No GPU can be used as things are: ${outlook.why}. ${end}`;
}

/**
 * The kind of runtime that this machine is to have: what is asked for, else by its GPU, which is judged before anything
 * is brought for it.
 * @param say told what should be known of the GPU
 * @throws environmentError for a GPU that is there and cannot be used, unless PEFD_RUNTIME says what to do about it
 */
export function decideKind(
  env: Environment,
  places: SurveyPlaces,
  say: (text: string) => void,
): RuntimeKind {
  const requested = requestedKind(env);
  if (requested === "cpu") return "cpu";
  const outlook = outlookHere(env, places);
  if (outlook.state === "unfit" && requested === undefined) {
    const anyway = "; to bring the runtime of a GPU all the same: PEFD_RUNTIME=gpu pefd setup";
    throw environmentError(`The GPU cannot be used: ${outlook.why}.`, `${outlook.hint}${anyway}`);
  }
  const notice = noticeOf(outlook, requested);
  if (notice !== undefined) say(notice);
  return requested ?? (outlook.state === "fits" ? "gpu" : "cpu");
}

/** Whether an installed kind will do; a GPU's also serves a machine whose GPU is gone, or cannot be used. */
export function isWantedKind(kind: RuntimeKind, env: Environment, places?: SurveyPlaces): boolean {
  const requested = requestedKind(env);
  if (requested !== undefined) return kind === requested;
  return kind === "gpu" || outlookHere(env, places).state !== "fits";
}
