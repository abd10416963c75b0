import { closeSync, openSync, writeSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { runError } from "../../common/errors.js";

export interface DownloadProgress {
  /** Bytes in the file, those of earlier attempts included. */
  readonly received: number;
  /** Bytes of the whole file, where the server says so. */
  readonly total: number | undefined;
}

export interface DownloadRequest {
  readonly url: string;
  /** The file that takes the bytes; what an earlier attempt left there is continued. */
  readonly partial: string;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Of the whole file; 1 GiB by default. */
  readonly mostBytes?: number | undefined;
}

/** Several times what any archive here has. */
const MOST_BYTES = 2 ** 30;

function checkBytes(bytes: number, { url, mostBytes = MOST_BYTES }: DownloadRequest): void {
  if (bytes <= mostBytes) return;
  throw runError(
    `${url} sends more than ${mostBytes} bytes, more than any data set here; download stopped.`,
    "Check the URL.",
  );
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
}

/** Writes every chunk as it arrives: a server that breaks off early and often would never be done with otherwise. */
export function receive(response: IncomingMessage, request: DownloadRequest, start: number): Promise<void> {
  const { partial, onProgress } = request;
  const length = response.headers["content-length"];
  const total = length === undefined ? undefined : start + Number(length);
  const file = openSync(partial, start > 0 ? "a" : "w");
  let received = start;
  const take = (chunk: Uint8Array) => {
    checkBytes(received + chunk.length, request);
    writeAll(file, chunk);
    received += chunk.length;
    onProgress?.({ received, total });
  };
  const arrived = new Promise<void>((resolve, reject) => {
    const attempt = (action: () => void) => {
      try {
        action();
      } catch (error) {
        response.destroy();
        reject(error);
      }
    };
    response.once("end", resolve).on("error", reject);
    response.on("data", (chunk: Uint8Array) => attempt(() => take(chunk)));
    attempt(() => checkBytes(total ?? 0, request));
  });
  onProgress?.({ received, total });
  return arrived
    .finally(() => closeSync(file))
    .then(() => {
      if (total === undefined || received === total) return;
      throw new Error(`the answer ended after ${received} of ${total} bytes`);
    });
}
