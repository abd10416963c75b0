import { createHash } from "node:crypto";
import { join } from "node:path";
import { EPOCH_LOG, epochLogText, epochLogWith } from "../../report/log/epochLog.js";
import type { RunProgress } from "../../runFiles/progress.js";
import { damagedFile } from "../../runFiles/stateFile.js";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Checksum of a run's epochs.csv as it is. */
export const logSha256 = (runDir: string): string => sha256(epochLogText(runDir) ?? "");

/** Checksum of a run's epochs.csv once a row is in it. */
export const logSha256With = (runDir: string, row: NonNullable<RunProgress["row"]>): string =>
  sha256(epochLogWith(epochLogText(runDir), row));

/** Whether the last completed epoch is still to be added to epochs.csv, as after a kill in between. */
export const lacksRow = (runDir: string, { row, logSha256: logged }: RunProgress): boolean =>
  row !== undefined && sha256(epochLogText(runDir) ?? "") !== logged;

/**
 * @throws inputError where epochs.csv is neither what the run has kept nor that without the last epoch; a missing one is
 * no damage
 */
export function checkLog(runDir: string, { row, logSha256: logged }: RunProgress): void {
  const text = epochLogText(runDir);
  if (text === undefined || row === undefined) return;
  if ([sha256(text), sha256(epochLogWith(text, row))].includes(logged ?? "")) return;
  throw damagedFile(
    join(runDir, EPOCH_LOG),
    "it is not as the run left it",
    "Move it away and type this again: the run goes on without the log of the epochs so far.",
  );
}
