import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { procedureName } from "../../config/procedureName.js";
import { CONFIG_FILE, type RunConfig } from "../../runFiles/config.js";
import { RESULT_FILE, type ResultContent, readResult } from "../../runFiles/result.js";
import { EPOCH_LOG, readEpochLog } from "../log/epochLog.js";
import type { RunRecord } from "./runRecord.js";

function resultIn(dir: string): ResultContent | undefined {
  const found = readResult(dir);
  if (found.state === "damaged") {
    throw inputError(`${join(dir, RESULT_FILE)} is damaged: ${found.reason}.`);
  }
  return found.state === "whole" ? found.content : undefined;
}

/** The method or variant that a distillation says it is by. */
function methodOf(config: RunConfig): string | undefined {
  if (config.kind !== "distill" || config.distill === undefined) return undefined;
  return procedureName(config.distill, config);
}

/**
 * What a run's folder tells.
 * @param config its config.json
 * @throws inputError that names the file where one of its files is not what a run leaves
 */
export function readRun(dir: string, config: RunConfig): RunRecord {
  const path = join(dir, CONFIG_FILE);
  const model = config.model ?? config.model_s;
  if (model === undefined) throw inputError(`${path} does not tell the run's model.`);
  const distilled = config.kind === "distill";
  const rows = readEpochLog(dir);
  const log = join(dir, EPOCH_LOG);
  return {
    dir,
    kind: config.kind,
    model,
    teacher: distilled ? (config.teacher ?? config.model_t) : undefined,
    method: methodOf(config),
    trial: config.trial ?? 1,
    epochs: config.epochs,
    rows,
    finished: (rows.at(-1)?.epoch ?? 0) >= config.epochs,
    config,
    result: resultIn(dir),
    updatedAt: statSync(existsSync(log) ? log : path).mtimeMs,
  };
}
