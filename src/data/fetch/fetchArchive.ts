import { once } from "node:events";
import { createReadStream, existsSync, writeFileSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, posix, resolve } from "node:path";
import { pipeline } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { createGunzip } from "node:zlib";
import { extract, type ReadEntry, type Unpack } from "tar";
import { parseBoundedJson } from "../../common/boundedJson.js";
import { inputError, PefdError, runError } from "../../common/errors.js";
import { exclusively } from "../../common/exclusive.js";
import { makeFolder } from "../../common/files/atomicFile.js";
import { readInputText } from "../../common/files/inputFile.js";
import { md5OfFile } from "../checksums.js";
import type { Archive, DatasetRow, FileReport } from "../dataset.js";
import type { ImageExaminer } from "../images/examine/types.js";
import type { DownloadProgress, DownloadRequest } from "./receive.js";
import { downloadResumable, removePartial } from "./resumableDownload.js";

/** Checksums of an archive, for data sets without published checksums of files. */
const RECORD_FILE = "fetched.json";

type FetchRecord = { readonly md5: string; readonly files: Readonly<Record<string, string>> };

function writeFetchRecord(folder: string, md5: string, reports: readonly FileReport[]): void {
  const files = Object.fromEntries(reports.map(({ file, sha256 }) => [file, sha256]));
  writeFileSync(join(folder, RECORD_FILE), `${JSON.stringify({ md5, files }, null, 2)}\n`);
}

function readFetchRecord(folder: string): Partial<FetchRecord> {
  try {
    const text = readInputText(join(folder, RECORD_FILE), { maxBytes: 2 ** 16 });
    return (parseBoundedJson(text) ?? {}) as Partial<FetchRecord>;
  } catch {
    return {};
  }
}

/** Whether these are the files that the archive of an MD5 held when it was fetched into this folder. */
export function isAsFetched(folder: string, reports: readonly FileReport[], md5: string): boolean {
  const record = readFetchRecord(folder);
  const files: Readonly<Record<string, unknown>> = record.files ?? {};
  return record.md5 === md5 && reports.every(({ file, sha256 }) => files[file] === sha256);
}

interface RetryPolicy {
  /** Consecutive attempts without progress before giving up. */
  readonly attempts: number;
  /** First retry delay in milliseconds; doubled each time. */
  readonly pause: number;
}

const RETRY_POLICY: RetryPolicy = { attempts: 5, pause: 1000 };

/** Errors that are not retried. */
const LASTING = new Set(["ENOSPC", "EDQUOT", "EACCES", "EROFS", "EIO", "ENOENT", "ENOTFOUND"]);

/** Whether a later attempt may do better: the connection broke, or the server is busy. */
const isPassing = (error: unknown): boolean =>
  !(error instanceof PefdError) && !LASTING.has((error as NodeJS.ErrnoException).code ?? "");

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}

/** downloadResumable, retried while it makes progress. @returns bytes that were there before @throws the last error */
async function downloadWithRetries(
  request: DownloadRequest,
  { attempts, pause }: RetryPolicy = RETRY_POLICY,
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

/**
 * Unpacks the named members of a .tar.gz, ordinary files all of them, into the existing folder `target`, paths kept.
 * @param members paths inside the archive, as "folder/file"
 * @param mostBytes that the archive may unpack to
 * @throws runError if the archive is damaged, or holds a link, a device or a path that leaves the folder
 */
export async function unpackMembers(
  archive: string,
  members: readonly string[],
  target: string,
  mostBytes: number = MOST_BYTES,
): Promise<void> {
  const refused: string[] = [];
  const filter = (path: string, entry: object): boolean => {
    const { type } = entry as ReadEntry;
    if (isUnsafe(path, type)) refused.push(path);
    return refused.length === 0 && type === "File" && members.includes(posix.normalize(path));
  };
  try {
    await feed(archive, mostBytes, extract({ cwd: target, filter, strict: true, preserveOwner: false }));
  } catch (error) {
    throw runError(`${archive} cannot be unpacked: ${(error as Error).message}`);
  }
  if (refused.length === 0) return;
  throw runError(`${archive} is rejected: it contains ${refused[0]}, a link or a path outside the archive.`);
}

/** Several times what any archive here unpacks to; a small one can hold zeros without end. */
const MOST_BYTES = 2 ** 31;

async function feed(archive: string, mostBytes: number, unpacker: Unpack): Promise<void> {
  const ended = once(unpacker, "close"); // rejected for an error
  const write = async () => {
    let bytes = 0;
    // The loop throws the error of either stream.
    for await (const chunk of pipeline(createReadStream(archive), createGunzip(), () => {})) {
      bytes += chunk.length;
      if (bytes > mostBytes) throw new Error(`it unpacks to more than ${mostBytes} bytes`);
      if (!unpacker.write(chunk)) await once(unpacker, "drain");
    }
    unpacker.end();
  };
  await Promise.all([write(), ended]);
}

function isUnsafe(path: string, type: string): boolean {
  const ordinary = type === "File" || type === "Directory";
  return !ordinary || posix.isAbsolute(path) || path.split(/[/\\]/).includes("..");
}

type Fetchable = Pick<DatasetRow, "title" | "archive" | "verify" | "byHand">;

/** Download settings; default the official archive. */
export interface FetchOptions {
  readonly url?: string | undefined;
  readonly md5?: string | undefined;
  readonly directory: string;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Called where another process fetches into the same folder, which is waited for. */
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly mostBytes?: number | undefined;
  readonly retryPolicy?: RetryPolicy | undefined;
}

export interface FetchResult {
  /** False if the folder held the published data set already. */
  readonly fetched: boolean;
  /** Bytes kept from an earlier attempt. */
  readonly resumedFrom: number;
}

/**
 * Downloads a data set, one process of this machine at a time: downloads to DIRECTORY.tar.gz.partial, where the next fetch
 * goes on, checks the MD5, unpacks beside the folder and moves it into place as the last step.
 * @throws inputError if nothing is published, the folder holds something else or the URL is none; runError of network
 * or disk, or for a wrong archive; the signal's reason when aborted
 */
export function fetchArchive(row: Fetchable, options: FetchOptions): Promise<FetchResult> {
  const { title, archive, verify, byHand } = row;
  if (archive === undefined || verify === undefined) {
    throw inputError(`${title} has no download: put its files in place yourself.`, byHand);
  }
  const directory = resolve(options.directory);
  const published = { title, archive, verify };
  return exclusively(`fetch ${directory}`, options, () => fetchAlone(published, { ...options, directory }));
}

type Published = { readonly title: string; readonly archive: Archive; verify: NonNullable<DatasetRow["verify"]> };

/** Archives whose files are examined when they come hold no encoded images. */
const noImages: ImageExaminer = {
  examine() {
    throw new Error("images are not decoded here");
  },
};

async function fetchAlone(published: Published, options: FetchOptions): Promise<FetchResult> {
  const { archive } = published;
  const { directory, url = archive.url, md5 = archive.md5, signal } = options;
  const partial = `${directory}.tar.gz.partial`;
  if (await isThere(published, directory, md5)) {
    removePartial(partial);
    return { fetched: false, resumedFrom: 0 };
  }
  try {
    makeFolder(dirname(directory));
    const mostBytes = options.mostBytes ?? archive.mostBytes;
    const resumedFrom = await bringArchive({ ...options, url, md5, partial, mostBytes });
    await unpackInto(published, directory, { file: partial, url, md5 });
    removePartial(partial);
    return { fetched: true, resumedFrom };
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof PefdError ? error : interrupted(url, error as NodeJS.ErrnoException, archive, directory);
  }
}

async function isThere({ title, archive, verify }: Published, directory: string, md5: string): Promise<boolean> {
  if (!existsSync(directory)) return false;
  const names = await readdir(directory).catch(() => {
    throw inputError(`${directory} is not a folder that can be read.`, "Give another with --data DIR.");
  });
  if (names.length === 0) return false;
  if (archive.keptAs !== undefined) {
    const kept = join(directory, archive.keptAs);
    if (existsSync(kept) && (await md5OfFile(kept)) === md5) return true;
    throw otherThings(directory, title);
  }
  const { official, files, problems } = await verify(directory, noImages);
  if (official) return true;
  if (archive.recorded && problems.length === 0 && isAsFetched(directory, files, md5)) return true;
  throw otherThings(directory, title);
}

const otherThings = (directory: string, title: string): PefdError =>
  inputError(
    `${directory} exists but is not the complete ${title}. Nothing was changed.`,
    "Move it away, or give another folder with --data DIR.",
  );

type ArchiveRequest = FetchOptions & { readonly url: string; readonly md5: string; readonly partial: string };

async function bringArchive(request: ArchiveRequest): Promise<number> {
  const { partial, md5, url } = request;
  if (existsSync(partial) && (await md5OfFile(partial)) === md5) return 0;
  const resumedFrom = await downloadWithRetries(request, request.retryPolicy);
  const found = await md5OfFile(partial);
  if (found === md5) return resumedFrom;
  removePartial(partial);
  throw runError(
    `The archive from ${url} has MD5 ${found}, expected ${md5}. It was removed.`,
    "Run the command again to download it again.",
  );
}

async function unpackInto(
  { title, archive, verify }: Published,
  directory: string,
  { file, url, md5 }: { readonly file: string; readonly url: string; readonly md5: string },
): Promise<void> {
  const staging = `${directory}.unpacking`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging);
  try {
    if (archive.keptAs !== undefined) return await keepWhole(file, archive.keptAs, staging, directory);
    const members = archive.members.map((name) => `${archive.folder}/${name}`);
    await unpackMembers(file, members, staging, archive.mostBytes);
    const unpacked = join(staging, archive.folder);
    const { files, problems } = await verify(unpacked, noImages);
    const [problem] = problems;
    if (problem) throw runError(`The archive from ${url} is not a valid ${title}: ${problem}`);
    if (archive.recorded) writeFetchRecord(unpacked, md5, files);
    await syncFiles(unpacked);
    await rename(unpacked, directory);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Puts an archive as it is into the folder; its MD5 says that it is whole. */
async function keepWhole(file: string, name: string, staging: string, directory: string): Promise<void> {
  const folder = join(staging, "whole");
  await mkdir(folder);
  await rename(file, join(folder, name));
  await syncFiles(folder);
  await rename(folder, directory);
}

/** Makes the contents durable before the rename makes them visible. */
async function syncFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = await open(join(folder, name), "r+");
    await file.sync().finally(() => file.close());
  }
}

function withoutNetwork({ keptAs, members, folder, md5 }: Archive, directory: string): string {
  const files =
    keptAs === undefined
      ? `unpack it, and put what is in its folder ${folder} (${members.join(", ")}) into ${directory}`
      : `put it into ${directory} as ${keptAs}`;
  return `Without a network: give a mirror with --url, or copy the archive (MD5 ${md5}) there by hand, ${files}.`;
}

function interrupted(url: string, error: NodeJS.ErrnoException, archive: Archive, directory: string): PefdError {
  const full = error.code === "ENOSPC" || error.code === "EDQUOT";
  const again = "the command again; the download resumes.";
  return runError(
    `Downloading ${url} failed: ${full ? "the disk is full" : error.message || error.code}.`,
    full ? `Free some space, then run ${again}` : `Run ${again} ${withoutNetwork(archive, directory)}`,
  );
}
