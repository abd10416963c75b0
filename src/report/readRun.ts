import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseBoundedJson } from "../common/boundedJson.js";
import { inputError, PefdError } from "../common/errors.js";
import { readInputText } from "../common/inputFile.js";
import { EPOCH_LOG, readEpochLog } from "./epochLog.js";
import type { RunRecord } from "./runRecord.js";

export const CONFIG = "config.json";
const RESULT = "result.json";

/** Some hundred options, and what the machine decided. */
const BOUNDS = { maxBytes: 2 ** 18, depth: 16, values: 5000 };

type Json = Readonly<Record<string, unknown>>;

function readText(path: string): string {
  try {
    return readInputText(path, BOUNDS);
  } catch (error) {
    if (error instanceof PefdError) throw error;
    throw inputError(`${path} cannot be read: ${(error as Error).message}.`);
  }
}

function parse(path: string, text: string): unknown {
  try {
    return parseBoundedJson(text, BOUNDS);
  } catch (error) {
    throw inputError(`${path} cannot be read: it ${(error as Error).message}.`);
  }
}

/** @throws inputError that names the file and says what is wrong with it */
function readJson(path: string): Json {
  const content = parse(path, readText(path));
  if (typeof content === "object" && content !== null && !Array.isArray(content)) {
    return content as Json;
  }
  throw inputError(`${path} holds no object.`);
}

/** The config.json of a folder; undefined where there is none. @throws as readJson does */
export function readRunConfig(dir: string): Json | undefined {
  const path = join(dir, CONFIG);
  return existsSync(path) ? readJson(path) : undefined;
}

/** Checks the values that a report makes use of; what it only shows may be anything. */
function values(path: string, json: Json) {
  const wrong = (key: string, what: string) => inputError(`${path}: its ${key} is ${what}.`);
  const name = (key: string): string | undefined => {
    const value = Object.hasOwn(json, key) ? json[key] : undefined;
    if (value === undefined || value === null) return undefined;
    if (typeof value === "string" && /^[\w.+-]{1,100}$/.test(value)) return value;
    throw wrong(key, "no name of letters and digits");
  };
  const whole = (key: string, least: number): number | undefined => {
    const value = Object.hasOwn(json, key) ? json[key] : undefined;
    if (value === undefined) return undefined;
    if (Number.isSafeInteger(value) && (value as number) >= least) return value as number;
    throw wrong(key, `no whole number of ${least} or more`);
  };
  return { name, whole };
}

/**
 * What a run's folder tells.
 * @param config its config.json
 * @throws inputError that names the file where one of its files is not what a run leaves
 */
export function readRun(dir: string, config: Json): RunRecord {
  const path = join(dir, CONFIG);
  const { name, whole } = values(path, config);
  const model = name("model") ?? name("model_s");
  const epochs = whole("epochs", 1);
  if (model === undefined || epochs === undefined) {
    throw inputError(`${path} does not tell the run's model and epochs.`);
  }
  const distilled = config.kind === "distill";
  const rows = readEpochLog(dir);
  const [log, result] = [join(dir, EPOCH_LOG), join(dir, RESULT)];
  return {
    dir,
    kind: distilled ? "distill" : "teacher",
    model,
    teacher: distilled ? (name("teacher") ?? name("model_t")) : undefined,
    method: distilled ? name("distill") : undefined,
    trial: whole("trial", 0) ?? 1,
    epochs,
    rows,
    finished: (rows.at(-1)?.epoch ?? 0) >= epochs,
    config,
    result: existsSync(result) ? readJson(result) : undefined,
    updatedAt: statSync(existsSync(log) ? log : path).mtimeMs,
  };
}
