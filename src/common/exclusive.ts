import { createHash } from "node:crypto";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const LOOK_AGAIN_MS = 200;

/** Takes a name in the kernel that one process of a machine can have, and loses however it ends: an abstract socket. */
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

/** The descriptor of the socket, which keeps the name as long as anybody holds it. */
const descriptorsOf = (server: Server): number[] => {
  const { _handle: handle } = server as unknown as { _handle?: { fd?: number } };
  return handle?.fd === undefined ? [] : [handle.fd];
};

/**
 * Does work while no other process of this machine does work of the same key; waits for one that does.
 * @param work given descriptors that programs which it starts should inherit: should this process be killed, others then
 * wait for those as well
 * @param onWait called once where another process has to be waited for
 * @throws the signal's reason when aborted
 */
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
