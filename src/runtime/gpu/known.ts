import { type GpuSurvey, surveyGpus } from "./survey.js";
import type { Environment } from "./types.js";

let known: GpuSurvey | undefined;

/** Keeps what was found: GPUs do not change while a process runs. */
export function rememberGpus(survey: GpuSurvey): void {
  known = survey;
}

/** What is known of the GPUs, with the chosen one first: asked for once. */
export function knownGpus(env: Environment): GpuSurvey {
  known ??= surveyGpus(env);
  return known;
}
