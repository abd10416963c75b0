import { existsSync, statSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import type { Metadata } from "../checkpoint/metadata.js";
import { checkpointBytes } from "../checkpoint/writeCheckpoint.js";
import { writeOutputFile } from "../common/files/outputFile.js";
import type { StateDict } from "../common/stateDict.js";
import type { PredictorFile } from "../train/files/predictor.js";

/** Where what a student predicts through lies beside a file of it: A_predictor.pth beside A.pth. */
export function predictorBeside(path: string): string {
  const ending = extname(path);
  return join(dirname(path), `${basename(path, ending)}_predictor${ending}`);
}

/** Whether something can lie beside a file: not beside a pipe or a device. */
export const takesCompany = (path: string): boolean => !existsSync(path) || statSync(path).isFile();

/** Writes a checkpoint in its ending's format, its predictor beside it. @throws as checkpointBytes, writeOutputFile */
export async function convertFile(
  to: string,
  { state, metadata }: { readonly state: StateDict; readonly metadata: Metadata },
  predictor: PredictorFile | undefined,
): Promise<void> {
  const { predictor: _, ...others } = metadata;
  if (predictor === undefined) {
    await writeOutputFile(to, await checkpointBytes(to, state, others));
    return;
  }
  const beside = predictorBeside(to);
  const told = { ...others, predictor: basename(beside) };
  const bytes = await checkpointBytes(to, state, told);
  await writeOutputFile(beside, await checkpointBytes(beside, predictor.state, predictor.metadata));
  await writeOutputFile(to, bytes);
}
