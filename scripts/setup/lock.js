import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const RETRY_MILLISECONDS = 200;

/**
 * Takes a machine-wide lock: an abstract socket, which the system frees when its last holder exits.
 * @returns {Promise<import("node:net").Server | undefined>} undefined when another process has it
 */
function take(key) {
  const name = createHash("sha256").update(key).digest("hex").slice(0, 32);
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", (error) => (error.code === "EADDRINUSE" ? resolve() : reject(error)));
    server.listen(`\0pefd-${name}`, () => resolve(server));
  });
}

async function wait(key, onWait) {
  let server = await take(key);
  if (server === undefined) onWait();
  while (server === undefined) {
    await pause(RETRY_MILLISECONDS);
    server = await take(key);
  }
  return server;
}

/**
 * Runs `work` under a machine-wide lock.
 * Child processes should inherit the descriptor that `work` gets: the lock then outlives this process if it is killed.
 * @template T
 * @param {string} key
 * @param {() => void} onWait called once if another process has the lock
 * @param {(descriptors: number[]) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function exclusively(key, onWait, work) {
  if (process.platform !== "linux") return work([]);
  const server = await wait(key, onWait);
  try {
    return await work([server._handle.fd]);
  } finally {
    server.close();
  }
}
