import { inputError, type PefdError } from "../../common/errors.js";
import { visibleNames } from "./nvidiaSmi.js";
import { firstFit } from "./requirements.js";
import { deviceOrder, type GpuSurvey } from "./survey.js";
import type { Environment, Gpu } from "./types.js";

/** The entry of CUDA_VISIBLE_DEVICES for a visible GPU: an index, a UUID or a MIG name. */
export const nameOf = (env: Environment, place: number): string => visibleNames(env)?.[place] ?? String(place);

/** The one GPU that a process computes on. */
export interface ChosenGpu {
  readonly gpu: Gpu;
  /** Environment that makes it the only visible GPU, to be set before the native library is loaded. */
  readonly variables: Readonly<Record<string, string>>;
}

const listed = (gpus: readonly Gpu[]): string => gpus.map(({ name }, index) => `${index} ${name}`).join(", ");

function noSuchGpu(number: number, { gpus }: GpuSurvey, env: Environment): PefdError {
  const among = env.CUDA_VISIBLE_DEVICES === undefined ? "" : " that CUDA_VISIBLE_DEVICES leaves";
  return gpus.length === 0
    ? inputError(
        `--gpu ${number}: no usable GPU${among}.`,
        "Drop --gpu to run on the CPU; `pefd doctor` shows what was found.",
      )
    : inputError(
        `--gpu ${number}: the GPUs${among} are ${listed(gpus)}.`,
        `Give a number from 0 to ${gpus.length - 1}.`,
      );
}

/**
 * Chooses one of the GPUs that CUDA_VISIBLE_DEVICES leaves visible: by a number from 0 on in its order, else the first
 * that is fit (requirements.ts); undefined where there is none.
 * @throws inputError for a number that no visible GPU has
 */
export function chooseGpu(survey: GpuSurvey, env: Environment, number: number | undefined): ChosenGpu | undefined {
  const place = number ?? firstFit(survey.gpus, survey.cuda);
  const gpu = survey.gpus[place];
  if (gpu === undefined) {
    if (number === undefined) return undefined;
    throw noSuchGpu(number, survey, env);
  }
  return { gpu, variables: { ...deviceOrder(env), CUDA_VISIBLE_DEVICES: nameOf(env, place) } };
}
