import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { shellWord } from "../../common/text.js";
import { isUndecided, numbersOf, type OptionValues } from "../../config/policy.js";
import type { Metrics, RunReporter, TrainingMetrics } from "../../report/log/contract.js";
import {
  CONFIG_FILE,
  type Identity,
  identityDifferences,
  identitySha256,
  isOfIdentity,
  type RunConfig,
  readConfig,
} from "../../runFiles/identity.js";
import { damagedFile, readResult } from "../../runFiles/stateFile.js";
import type { Devices } from "../devices.js";
import type { CacheTally } from "../teacherCache/lookup.js";

/** A run's config.json, or undefined. @throws inputError if damaged */
export function recordIn(runDir: string): { file: string; config: RunConfig } | undefined {
  const file = join(runDir, CONFIG_FILE);
  const found = readConfig(runDir);
  if (found.state === "whole") return { file, config: found.content };
  if (found.state === "absent") return undefined;
  const typed = `pefd distill --config ${shellWord(file)}`;
  throw damagedFile(
    file,
    found.reason,
    `Nobody can tell which run it was. To train with the options that stand in it, type: ${typed}`,
  );
}

/** Differences from a recorded run, as clauses. @param options resolved */
export function otherOptions({ identity }: RunConfig, options: OptionValues): string[] {
  if (identity === undefined) return [];
  const isLeft = (key: string) => !Object.hasOwn(options, key) || isUndecided(key, options[key]);
  const left = Object.entries(identity.options).filter(([key]) => isLeft(key));
  const told = Object.entries(options).filter(([key]) => !isLeft(key));
  const now = { ...Object.fromEntries(left), ...numbersOf(Object.fromEntries(told)) };
  return identityDifferences(identity, { ...identity, options: now as Identity["options"] });
}

/** Whether two paths name one folder. */
export const isSameFolder = (a: string, b: string): boolean =>
  existsSync(a) && existsSync(b) && realpathSync(a) === realpathSync(b);

/** Whether two identities agree where both have values. */
const areSame = (a: Identity, b: Identity): boolean =>
  isOfIdentity(identitySha256(a), b) || isOfIdentity(identitySha256(b), a);

function outcomeOf(runDir: string): { identity: Identity; weights: string } | undefined {
  const [config, result] = [readConfig(runDir), readResult(runDir)];
  if (config.state !== "whole" || result.state !== "whole") return undefined;
  const { identity } = config.content;
  if (identity === undefined) return undefined;
  return { identity, weights: result.content.weightsSha256 };
}

/** Whether two finished runs of one identity have equal weights; undefined for others. */
export function haveSameWeights(first: string, second: string): boolean | undefined {
  const [before, now] = [outcomeOf(first), outcomeOf(second)];
  if (before === undefined || now === undefined || !areSame(before.identity, now.identity)) return undefined;
  return before.weights === now.weights;
}

export interface Hooks {
  readonly reporter: RunReporter;
  /** Ends the run gracefully, with its state saved. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Recorded in config.json. */
  readonly origin?: { readonly command: string; readonly node: string };
  /** Registers a synchronous action for an abrupt exit; returns its removal. */
  readonly atExit?: (act: () => void) => () => void;
  /** Runs blocking work that a signal ends at once. */
  readonly blocking?: (work: () => void) => void;
  /** With --devices. */
  readonly devices?: Devices;
}

/** A finished run, as in result.json and with `--json`. */
export interface RunResult {
  readonly runDir: string;
  readonly epochs: number;
  readonly train: TrainingMetrics;
  readonly test: Metrics;
  readonly best: { readonly top1: number; readonly epoch: number };
  /** Wall time of all epochs, evaluation included. */
  readonly seconds: number;
  /** Mean of the last epoch. */
  readonly stepMs: number;
  readonly engine: string;
  readonly precision: string;
  readonly device: string;
  /** Over the final weights' bytes in state_dict order. */
  readonly weightsSha256: string;
  /** On a GPU: over XLA's programs, which are kept in the run's folder with their autotuned choices. */
  readonly programsSha256?: string;
  /** If evaluated (--teacher_eval). */
  readonly teacherTop1?: number;
  /** Models that learned beside the student, with their test results. */
  readonly peers?: readonly (Metrics & { readonly model: string })[];
  /** With --teacher_cache: its tally in the last process. */
  readonly teacherCache?: CacheTally;
}

export interface EvalResult {
  readonly model: string;
  readonly checkpoint: string;
  /** Test images. */
  readonly n: number;
  readonly top1: number;
  readonly top5: number;
  readonly loss: number;
  readonly imagesPerSecond: number;
  readonly engine: string;
  readonly precision: string;
  readonly device: string;
  /** Whether a GPU may have used TF32: in float32 only if requested. */
  readonly tf32: boolean;
  /** The method, if it predicted with more than the student. */
  readonly predictsThrough?: string;
}
