import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { type FetchOptions, fetchArchive } from "#pefd/data/fetch/fetchArchive.js";
import { temporaryFolder } from "../cifar/recordFiles.js";
import {
  type ArchiveServer,
  makeArchive,
  md5,
  type ServedFile,
  serveArchive,
  TEST_RECORDS,
  TRAIN_RECORDS,
} from "./archiveServer.js";

/** Fetches CIFAR-100, as its row says that it is unpacked. */
export const fetchCifar100 = (options: FetchOptions) => fetchArchive(CIFAR100, options);

/** A server, a folder to fetch to, and what lies there while a fetch is not done. */
export interface Setting extends ArchiveServer {
  readonly root: string;
  readonly directory: string;
  readonly partial: string;
  readonly archive: Buffer;
  readonly fetch: (more?: Partial<FetchOptions>) => ReturnType<typeof fetchArchive>;
}

/** Gives up at the first attempt that brings nothing. */
export const QUICK = { retryPolicy: { attempts: 1, pause: 1 } };

/** One answer that breaks off, then no answers at all. */
export const BROKEN = { cutAfter: 10_000, answers: 1 };

/** The server is well again. */
export function mend({ served }: ArchiveServer): void {
  delete served.cutAfter;
  delete served.answers;
}

/** A server with a sound archive, and a folder to fetch it to. */
export async function setting(t: TestContext, behaviour: Partial<ServedFile> = {}): Promise<Setting> {
  const archive = makeArchive(temporaryFolder(t));
  const server = await serveArchive(t, { body: archive, ...behaviour });
  const root = temporaryFolder(t);
  const directory = join(root, "data", "cifar");
  const common = { url: server.url, md5: md5(archive), directory };
  const fetch = (more: Partial<FetchOptions> = {}) => fetchCifar100({ ...common, ...QUICK, ...more });
  return { ...server, root, directory, partial: `${directory}.tar.gz.partial`, archive, fetch };
}

/** The archive is unpacked, and nothing else is left beside it. */
export function assertInPlace({ root, directory }: Setting): void {
  assert.deepEqual(readFileSync(join(directory, "train.bin")), Buffer.from(TRAIN_RECORDS));
  assert.deepEqual(readFileSync(join(directory, "test.bin")), Buffer.from(TEST_RECORDS));
  assert.deepEqual(readdirSync(directory), ["fine_label_names.txt", "test.bin", "train.bin"]);
  assert.deepEqual(readdirSync(join(root, "data")), ["cifar"]);
}

/** The error of a fetch that must fail with this exit code. */
export async function failure(fetch: Promise<unknown>, exitCode: number): Promise<PefdError> {
  const error = await fetch.then(
    () => assert.fail("nothing failed"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof PefdError, String(error));
  assert.equal(error.exitCode, exitCode);
  return error;
}
