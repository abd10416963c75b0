import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { FILE_BOUNDS, parseBoundedJson } from "../common/boundedJson.js";
import { inputError, type PefdError } from "../common/errors.js";
import { writeFileAtomic } from "../common/files/atomicFile.js";
import { readInputText, throwIfRefused } from "../common/files/inputFile.js";
import { cleanLine } from "../common/text.js";

// Values of untrusted files, all bounded. Messages complete "its KEY ...".

const MOST = 1e15;

const whole = z.int("must be an integer").max(MOST, "is too large");

export const count = whole.min(0, "must be 0 or more");

export const place = whole.min(1, "must be 1 or more");

/** JSON has neither NaN nor infinities. */
const figure = z.number("must be a number");

const amount = figure.min(0, "must be 0 or more");

const percent = amount.max(100, "must be at most 100");

export const name = z.string("must be a name").regex(/^[\w.+-]{1,200}$/, "must be a name of letters and digits");

const LONGEST_TEXT = 4096;

/** A path, a device's name. */
export const text = z.string("must be a string").max(LONGEST_TEXT, "is too long");

export const sha256 = z
  .string("must be a checksum")
  .regex(/^[0-9a-f]{64}$/, "must be a checksum of 64 hexadecimal digits");

export const setting = z.union(
  [text, figure, z.boolean(), z.array(z.union([text, figure])).max(1000)],
  "must be a string, a number, true, false or a list",
);

const metrics = z.object({ loss: figure, top1: percent, top5: percent }, "must be metrics");

const trainingMetrics = metrics.extend({ terms: z.record(name, figure, "must be terms").optional() });

/** Best test accuracy and its epoch; 0 before the first. */
const best = z.object({ top1: percent, epoch: count }, "must be an accuracy and its epoch");

/** Lock by which a process claims a run's folder. */
export const LOCK_FILE = "run.lock";

const lockSchema = z.object({
  host: text,
  /** Boot id and pid namespace; empty without /proc. */
  boot: text,
  namespace: text,
  pid: count,
  /** In clock ticks: pids are reused. */
  started: text,
  /** Whether the process holds the kernel's lock (flock). */
  held: z.boolean("must be true or false"),
});

/** The process in a run's folder. */
export type Owner = z.infer<typeof lockSchema>;

export const LOCK: StateFile<Owner> = { schema: lockSchema, maxBytes: 2 ** 16 };

/** The file that a run resumes from; writing it completes an epoch. */
export const RESUME_FILE = "resume.safetensors";

const epochRow = z.object({
  epoch: place,
  learningRate: figure,
  train: trainingMetrics,
  test: metrics,
  seconds: amount,
  stepMs: amount,
  imagesPerSecond: amount,
});

/** Metadata `progress` of resume.safetensors. */
export const progressSchema = z.object(
  {
    epoch: count,
    /** Within the next epoch. */
    step: count,
    /** Of metrics over those steps. */
    sums: z.array(figure, "must be a list").max(1000, "is too long"),
    steps: count,
    best,
    /** Training seconds of the interrupted epoch. */
    epochSeconds: amount,
    /** If evaluated before the first step. */
    teacherTop1: percent.optional(),
    /** Of the last completed epoch, if any. */
    row: epochRow.optional(),
    /** Of epochs.csv with that row. */
    logSha256: sha256.optional(),
    identitySha256: sha256,
  },
  "is missing",
);

export type RunProgress = z.infer<typeof progressSchema>;

export const RESULT_FILE = "result.json";

const resultSchema = z.object({
  runDir: text,
  epochs: place,
  train: trainingMetrics,
  test: metrics,
  best,
  /** Wall time of all epochs, evaluation included. */
  seconds: amount,
  /** Mean of the last epoch. */
  stepMs: amount,
  engine: name,
  precision: name,
  device: text,
  /** Over the final weights' bytes in state_dict order. */
  weightsSha256: sha256,
  /** If evaluated (--teacher_eval). */
  teacherTop1: percent.optional(),
  /** Models that learned beside the student, with their test results. */
  peers: z.array(metrics.extend({ model: name })).optional(),
  /** With --teacher_cache: its tally in the last process. */
  teacherCache: z.object({ found: count, computed: count }).optional(),
});

export type ResultContent = z.infer<typeof resultSchema>;

const RESULT_KIND: StateFile<ResultContent> = { schema: resultSchema, maxBytes: 2 ** 16 };

/** Reads a run's result.json. */
export const readResult = (runDir: string): Found<ResultContent> =>
  readStateFile(join(runDir, RESULT_FILE), RESULT_KIND);

/** Why a run failed; absent while it trains, where it is done, and where it was interrupted. */
export const FAILURE_FILE = "failed.json";

const failureSchema = z.object({
  reason: text,
  /** ISO 8601, UTC. */
  time: text,
});

const FAILURE_KIND: StateFile<z.infer<typeof failureSchema>> = { schema: failureSchema, maxBytes: 2 ** 16 };

/** The reason in a run's failed.json; undefined without a readable one. */
export function failureOf(runDir: string): string | undefined {
  const found = readStateFile(join(runDir, FAILURE_FILE), FAILURE_KIND);
  return found.state === "whole" ? found.content.reason : undefined;
}

/** Records why a run failed, where the disk takes it. */
export async function recordFailure(runDir: string, error: Error): Promise<void> {
  const content = { reason: error.message.slice(0, LONGEST_TEXT), time: new Date().toISOString() };
  await writeStateFile(join(runDir, FAILURE_FILE), content).catch(() => undefined);
}

const jobSchema = z.object({
  id: z.string("must be a number").regex(/^\d{1,20}$/, "must be a number"),
  /** In the order of the array's tasks. */
  runDirs: z.array(text, "must be a list of folders").max(100_000, "is too long"),
});

/** A submitted sweep: `sweep/JOB.json` below --save_dir. */
export type SlurmJob = z.infer<typeof jobSchema>;

export const SWEEP_JOB: StateFile<SlurmJob> = { schema: jobSchema, maxBytes: 2 ** 26 };

const trackedSchema = z.looseObject({
  /** URL or folder, without names and passwords. */
  server: z.string().min(1).max(2000),
  runId: z.string().regex(/^[\w-]{1,100}$/),
  /** The last tracked one. */
  epoch: z.int().min(0),
  /** Whether settings are tracked; earlier versions wrote this file only afterwards. */
  begun: z.boolean().default(true),
});

/** A run's counterpart in a tracker, and its progress there. */
export type Tracked = z.output<typeof trackedSchema>;

const TRACKED_KIND = { schema: trackedSchema, maxBytes: 16 * 1024 };

/** Reads a tracker's record in a run folder. @param file such as mlflow.json */
export const readTracked = (runDir: string, file: string): Found<Tracked> =>
  readStateFile(join(runDir, file), TRACKED_KIND);

/** @throws as writeFileAtomic does */
export const writeTracked = (runDir: string, file: string, tracked: Tracked): Promise<void> =>
  writeStateFile(join(runDir, file), tracked);

/** Schema and size limit of a kind of file. */
export type StateFile<Content> = { readonly schema: z.ZodType<Content>; readonly maxBytes: number };

export type Found<Content> =
  | { readonly state: "absent" }
  | { readonly state: "damaged"; readonly reason: string }
  | {
      readonly state: "whole";
      readonly content: Content;
      /** Whether it has a checksum (verified): early versions' have none. */
      readonly sealed: boolean;
    };

const CHECKSUM = "checksum";

const checksumOf = (content: object): string => createHash("sha256").update(JSON.stringify(content)).digest("hex");

/** Text of a state file: readable JSON that ends with a checksum. */
export const sealedText = (content: object): string =>
  `${JSON.stringify({ ...content, [CHECKSUM]: checksumOf(content) }, undefined, 2)}\n`;

/** Writes a state file atomically, with a checksum. @throws as writeFileAtomic */
export const writeStateFile = <Content extends object>(path: string, content: Content): Promise<void> =>
  writeFileAtomic(path, sealedText(content));

/** Deeper than any of these files. */
const BOUNDS = { depth: 16, values: FILE_BOUNDS.values };

/** Reads a state file, without judging its absence or damage. @throws inputError where the system refuses */
export function readStateFile<Content>(path: string, kind: StateFile<Content>): Found<Content> {
  try {
    return parseState(path, readInputText(path, kind), kind);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return { state: "absent" };
    throwIfRefused(path, error);
    return { state: "damaged", reason: printable(message.replace(path, "it").replace(/\.$/, "")) };
  }
}

function parseState<Content>(path: string, text: string, { schema }: StateFile<Content>): Found<Content> {
  const { [CHECKSUM]: checksum, ...content } = parsed(path, text);
  const sealed = checksum !== undefined;
  if (sealed && checksum !== checksumOf(content)) throw new Error(`${path} does not match its checksum`);
  const { success, data, error } = schema.safeParse(content);
  if (success) return { state: "whole", content: data, sealed };
  throw new Error(`${path} has a wrong value: ${firstComplaint(error.issues)}`);
}

function parsed(path: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseBoundedJson(text, BOUNDS);
  } catch (error) {
    throw new Error(`${path} ${(error as Error).message}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${path} is not a JSON object`);
}

const MOST_SHOWN = 200;

const printable = (text: string): string => cleanLine(text).slice(0, MOST_SHOWN);

/** A schema's first complaint: `trial must be an integer`. */
export const firstComplaint = ([issue]: readonly z.core.$ZodIssue[]): string =>
  printable(`${issue?.path.join(".") || "the whole"} ${issue?.message}`);

/** The error for a corrupt state file. */
export const damagedFile = (path: string, reason: string, hint: string): PefdError =>
  inputError(`${path} is corrupt: ${reason}. Nothing was changed.`, hint);

/** A state file's content, if any. @param hint what a damaged one still allows @throws inputError with what is wrong */
export function wholeContent<Content>(path: string, kind: StateFile<Content>, hint: string): Content | undefined {
  const found = readStateFile(path, kind);
  if (found.state === "damaged") throw damagedFile(path, found.reason, hint);
  return found.state === "whole" ? found.content : undefined;
}
