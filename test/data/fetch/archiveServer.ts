import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { create } from "tar";
import { recordsWithLabels } from "../cifar/recordFiles.js";

export const md5 = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");

/** Random-looking bytes, which gzip cannot shrink, so that an archive has many blocks to cut between. */
function incompressible(records: Uint8Array): Uint8Array {
  let state = 1;
  for (let i = 0; i < records.length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    if (i % 3074 > 1) records[i] = state >>> 24;
  }
  return records;
}

export const TRAIN_RECORDS = incompressible(recordsWithLabels([1, 2, 3, 4, 5, 6, 7, 8]));
export const TEST_RECORDS = recordsWithLabels([9, 10]);

/** A .tar.gz of a small sound data folder, laid out as the official archive. */
export function makeArchive(parent: string, train: Uint8Array = TRAIN_RECORDS): Buffer {
  const folder = join(parent, "cifar-100-binary");
  mkdirSync(folder);
  writeFileSync(join(folder, "train.bin"), train);
  writeFileSync(join(folder, "test.bin"), TEST_RECORDS);
  writeFileSync(join(folder, "fine_label_names.txt"), "apple\n");
  writeFileSync(join(folder, "unexpected.txt"), "not unpacked");
  const file = join(parent, "archive.tar.gz");
  create({ cwd: parent, file, gzip: true, sync: true }, ["cifar-100-binary"]);
  return readFileSync(file);
}

/** What the server has and how it behaves; tests change it between requests. */
export interface ServedFile {
  body: Uint8Array;
  etag?: string;
  lastModified?: string;
  /** The connection breaks after so many bytes of an answer. */
  cutAfter?: number;
  ignoresRanges?: boolean;
  status?: number;
  /** Requests that are still answered; the connections of later ones break at once. */
  answers?: number;
  /** What is claimed to be the body's length. */
  claimedLength?: number;
}

export interface ArchiveServer {
  readonly url: string;
  readonly served: ServedFile;
  /** The Range header of each request, in order. */
  readonly ranges: (string | undefined)[];
  /** The If-Range header of each. */
  readonly conditions: (string | undefined)[];
}

/** Serves one file on 127.0.0.1 until the test ends; /redirect leads to it. */
export async function serveArchive(t: TestContext, served: ServedFile): Promise<ArchiveServer> {
  const ranges: (string | undefined)[] = [];
  const conditions: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/redirect") return response.writeHead(302, { location: "/file" }).end();
    ranges.push(request.headers.range);
    conditions.push(request.headers["if-range"] as string | undefined);
    return answer(served, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/file`, served, ranges, conditions };
}

function answer(served: ServedFile, request: IncomingMessage, response: ServerResponse): void {
  const { body, etag, status = 200, cutAfter, answers = 1 } = served;
  if (answers === 0) return void request.socket.destroy();
  if (served.answers !== undefined) served.answers--;
  const start = rangeStart(served, request);
  if (start >= body.length) {
    response.writeHead(416, { "content-range": `bytes */${body.length}` }).end();
    return;
  }
  const part = body.subarray(start);
  if (etag) response.setHeader("etag", etag);
  if (served.lastModified) response.setHeader("last-modified", served.lastModified);
  // The wrong label is what some servers give an archive; it must not be unpacked on the way.
  response.setHeader("content-encoding", "x-gzip");
  response.setHeader("content-length", served.claimedLength ?? part.length);
  if (start > 0) {
    response.setHeader("content-range", `bytes ${start}-${body.length - 1}/${body.length}`);
  }
  response.writeHead(start > 0 ? 206 : status);
  if (cutAfter === undefined) response.end(part);
  // Ended, not destroyed: what was sent arrives, however busy the machine is.
  else response.write(part.subarray(0, cutAfter), () => request.socket.end());
}

function rangeStart(served: ServedFile, { headers }: IncomingMessage): number {
  const condition = headers["if-range"] as string | undefined;
  const fits = [undefined, served.etag, served.lastModified].includes(condition);
  if (served.ignoresRanges || !fits) return 0;
  return Number(/^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1] ?? 0);
}
