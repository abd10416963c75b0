import { createHash } from "node:crypto";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const LOOK_AGAIN_MS = 200;

/** Binds an abstract socket: one process per machine can, and the kernel releases it however the process ends. */
function take(key: string): Promise<Server | undefined> {
  const name = createHash("sha256").update(key).digest("hex").slice(0, 32);
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen(`\0pefd-${name}`, () => resolve(server));
  });
}

/** Descriptors of the socket, which stays bound while anybody holds one. */
const descriptorsOf = (server: Server): number[] => {
  const { _handle: handle } = server as unknown as { _handle?: { fd?: number } };
  return handle?.fd === undefined ? [] : [handle.fd];
};

/** Runs work, one process of this machine at a time; children inherit the descriptors. @throws the signal's reason */
export async function exclusively<Result>(
  key: string,
  { onWait, signal }: { onWait?: (() => void) | undefined; signal?: AbortSignal | undefined },
  work: (descriptors: readonly number[]) => Promise<Result>,
): Promise<Result> {
  let server = await take(key);
  if (server === undefined) onWait?.();
  while (server === undefined) {
    signal?.throwIfAborted();
    await sleep(LOOK_AGAIN_MS, undefined, signal ? { signal } : {}).catch(() => undefined);
    server = await take(key);
  }
  try {
    return await work(descriptorsOf(server));
  } finally {
    server.close();
  }
}
