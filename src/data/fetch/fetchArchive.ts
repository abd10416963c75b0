import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { inputError, PefdError, runError } from "../../common/errors.js";
import { exclusively } from "../../common/exclusive.js";
import { makeFolder } from "../../common/makeFolder.js";
import { COARSE_NAMES_FILE, FINE_NAMES_FILE, TEST_FILE, TRAIN_FILE } from "../cifar/records.js";
import { verifyCifar100 } from "../cifar/verify.js";
import { unpackMembers } from "./archive.js";
import { downloadPatiently, type Patience } from "./patientDownload.js";
import type { DownloadProgress } from "./receive.js";
import { removePartial } from "./resumableDownload.js";

/** Where CIFAR-100's author publishes the binary version, and the md5 sum given there. */
export const CIFAR100_URL = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz";
export const CIFAR100_MD5 = "03b5dce01913d631647c71ecec9e9cb8";

const FOLDER_IN_ARCHIVE = "cifar-100-binary";
const FILES = [TRAIN_FILE, TEST_FILE, FINE_NAMES_FILE, COARSE_NAMES_FILE];

/** What to fetch; the official archive where url and md5 are left out. */
export interface FetchOptions {
  readonly url?: string | undefined;
  readonly md5?: string | undefined;
  /** The folder that shall hold train.bin and test.bin. */
  readonly directory: string;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /** Called where another process fetches into the same folder, which is waited for. */
  readonly onWait?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the archive, at most. */
  readonly mostBytes?: number | undefined;
  /** How a server that breaks off is dealt with; see downloadPatiently. */
  readonly patience?: Patience | undefined;
}

/** What a fetch did. */
export interface FetchResult {
  /** False if the folder held the real CIFAR-100 already. */
  readonly fetched: boolean;
  /** Bytes kept from an earlier attempt. */
  readonly resumedFrom: number;
}

/**
 * Brings CIFAR-100, one process of this machine at a time: downloads the archive beside the folder (DIRECTORY.tar.gz.partial), checks its md5
 * sum, unpacks it beside the folder and moves it into place as the last step. A failed or killed fetch
 * leaves the partial archive, and the next one goes on with it.
 * @throws inputError if the folder holds something else already or the URL is no URL; runError if the
 *   network or the disk fails, or the archive is not what it should be; the signal's reason when aborted
 */
export function fetchCifar100(options: FetchOptions): Promise<FetchResult> {
  const directory = resolve(options.directory);
  return exclusively(`fetch ${directory}`, options, () => fetchAlone({ ...options, directory }));
}

async function fetchAlone(options: FetchOptions): Promise<FetchResult> {
  const { directory, url = CIFAR100_URL, md5 = CIFAR100_MD5, signal } = options;
  const partial = `${directory}.tar.gz.partial`;
  if (await isThere(directory)) {
    removePartial(partial);
    return { fetched: false, resumedFrom: 0 };
  }
  try {
    makeFolder(dirname(directory));
    const resumedFrom = await bringArchive({ ...options, url, md5, partial });
    await unpackInto(directory, partial, url);
    removePartial(partial);
    return { fetched: true, resumedFrom };
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof PefdError ? error : interrupted(url, error as NodeJS.ErrnoException);
  }
}

/** Whether the real images are in the folder already; anything else in it is left alone. */
async function isThere(directory: string): Promise<boolean> {
  if (!existsSync(directory)) return false;
  const names = await readdir(directory).catch(() => {
    throw inputError(
      `${directory} is not a folder that can be read.`,
      "Name another with --data DIR.",
    );
  });
  if (names.length === 0) return false;
  if (verifyCifar100(directory).official) return true;
  throw inputError(
    `${directory} holds something other than the complete CIFAR-100 already; it is left as it is.`,
    "Move it away, or name another folder with --data DIR.",
  );
}

interface ArchiveRequest extends FetchOptions {
  readonly url: string;
  readonly md5: string;
  readonly partial: string;
}

/** Downloads what is missing, so that the file has the md5 sum. */
async function bringArchive(request: ArchiveRequest): Promise<number> {
  const { partial, md5, url } = request;
  if (existsSync(partial) && (await md5Of(partial)) === md5) return 0;
  const resumedFrom = await downloadPatiently(request, request.patience);
  const found = await md5Of(partial);
  if (found === md5) return resumedFrom;
  removePartial(partial);
  throw runError(
    `The archive from ${url} has the md5 sum ${found}, expected ${md5}. It was removed.`,
    "Run the command again to download it anew.",
  );
}

async function md5Of(path: string): Promise<string> {
  const hash = createHash("md5");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

async function unpackInto(directory: string, archive: string, url: string): Promise<void> {
  const staging = `${directory}.unpacking`;
  await rm(staging, { recursive: true, force: true });
  await mkdir(staging);
  try {
    const members = FILES.map((file) => `${FOLDER_IN_ARCHIVE}/${file}`);
    await unpackMembers(archive, members, staging);
    const unpacked = join(staging, FOLDER_IN_ARCHIVE);
    const [problem] = verifyCifar100(unpacked).problems;
    if (problem) throw runError(`The archive from ${url} holds no sound CIFAR-100: ${problem}`);
    await syncFiles(unpacked);
    await rename(unpacked, directory);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Makes the contents durable before the rename makes them visible. */
async function syncFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = await open(join(folder, name), "r+");
    await file.sync().finally(() => file.close());
  }
}

function interrupted(url: string, error: NodeJS.ErrnoException): PefdError {
  const full = error.code === "ENOSPC" || error.code === "EDQUOT";
  return runError(
    `Fetching ${url} failed: ${full ? "the disk is full" : error.message || error.code}.`,
    `${full ? "Free some space, then run" : "Run"} the command again; it goes on where it stopped.`,
  );
}
