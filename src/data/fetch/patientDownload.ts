import { stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { PefdError } from "../../common/errors.js";
import type { DownloadRequest } from "./receive.js";
import { downloadResumable } from "./resumableDownload.js";

/** How long a server that breaks off is borne. */
export interface Patience {
  /** Attempts in a row that bring nothing, after which it is given up. */
  readonly attempts: number;
  /** Milliseconds before the next attempt after one of them; twice as many after each further one. */
  readonly pause: number;
}

const PATIENCE: Patience = { attempts: 5, pause: 1000 };

/** What waiting does not mend. */
const LASTING = new Set(["ENOSPC", "EDQUOT", "EACCES", "EROFS", "EIO", "ENOENT", "ENOTFOUND"]);

/** Whether a later attempt may do better: the connection broke, or the server is busy. */
const isPassing = (error: unknown): boolean =>
  !(error instanceof PefdError) && !LASTING.has((error as NodeJS.ErrnoException).code ?? "");

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}

/**
 * Downloads as downloadResumable does, and goes on by itself where the server breaks off, for as long as that brings
 * the end nearer.
 * @returns how many bytes were there before
 * @throws what the last attempt failed with
 */
export async function downloadPatiently(
  request: DownloadRequest,
  { attempts, pause }: Patience = PATIENCE,
): Promise<number> {
  const before = await sizeOf(request.partial);
  let furthest = before;
  for (let idle = 0; ; ) {
    try {
      return Math.min(before, await downloadResumable(request));
    } catch (error) {
      request.signal?.throwIfAborted();
      const reached = await sizeOf(request.partial);
      idle = reached > furthest ? 0 : idle + 1;
      furthest = Math.max(furthest, reached);
      if (!isPassing(error) || idle >= attempts) throw error;
      await sleepUnlessAborted(idle === 0 ? 0 : pause * 2 ** (idle - 1), request.signal);
    }
  }
}

async function sleepUnlessAborted(milliseconds: number, signal?: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, signal ? { signal } : {}).catch(() => undefined);
  signal?.throwIfAborted();
}
