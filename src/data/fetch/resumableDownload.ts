import { rmSync, statSync, writeFileSync } from "node:fs";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { parseBoundedJson } from "../../common/boundedJson.js";
import { runError } from "../../common/errors.js";
import { readInputText } from "../../common/files/inputFile.js";
import { httpAddress } from "../../common/httpAddress.js";
import { cleanLine, withoutPasswords } from "../../common/text.js";
import { type DownloadRequest, receive } from "./receive.js";

const MOST_REDIRECTS = 5;
const SILENCE_MILLISECONDS = 60_000;

type RequestHeaders = Readonly<Record<string, string>>;

/** Follows redirects; fetch() would unpack gzip, which breaks byte ranges. @returns any answer, to read or destroy */
async function httpGet(url: string, headers: RequestHeaders, signal?: AbortSignal): Promise<IncomingMessage> {
  let address = url;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const response = await requestOnce(httpAddress("--url", address), headers, signal);
    const target = redirectTarget(response);
    if (target === undefined) return response;
    response.destroy();
    address = new URL(target, address).href;
  }
  throw runError(`${url} redirects more than ${MOST_REDIRECTS} times.`);
}

function redirectTarget(response: IncomingMessage): string | undefined {
  const redirects = [301, 302, 303, 307, 308].includes(response.statusCode ?? 0);
  return redirects ? response.headers.location : undefined;
}

function requestOnce(url: URL, headers: RequestHeaders, signal?: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === "https:" ? requestHttps : requestHttp;
    const options = { headers, timeout: SILENCE_MILLISECONDS, ...(signal ? { signal } : {}) };
    const request = start(url, options, resolve);
    request.on("error", reject);
    request.on("timeout", () => {
      const seconds = SILENCE_MILLISECONDS / 1000;
      request.destroy(new Error(`the server sent nothing for ${seconds} seconds`));
    });
    request.end();
  });
}

/**
 * Downloads into a file that may hold the beginning already; anew where the server ignores byte ranges, the file
 * changed there, or the beginning came from another URL.
 * @returns how many bytes of earlier attempts were kept
 * @throws runError for a bad status or too many bytes; the system's error, or one without a class of its own, where the
 * connection breaks, the server is busy or the disk is full; the signal's reason when aborted
 */
export async function downloadResumable(download: DownloadRequest): Promise<number> {
  const { url, partial, signal } = download;
  const kept = earlierAttempt(url, partial);
  const response = await httpGet(url, rangeHeaders(kept), signal);
  if (kept.bytes > 0 && continuesAt(response, kept.bytes)) {
    await receive(response, download, kept.bytes);
    return kept.bytes;
  }
  const whole = response.statusCode === 200 ? response : await askAnew(response, url, signal);
  removePartial(partial);
  writeFileSync(originFile(partial), JSON.stringify({ url: withoutPasswords(url), validator: validatorOf(whole) }));
  await receive(whole, download, 0);
  return 0;
}

/** Removes a partial download. */
export function removePartial(partial: string): void {
  rmSync(partial, { force: true });
  rmSync(originFile(partial), { force: true });
}

type Kept = { readonly bytes: number; readonly validator?: string | undefined };

/** Beside the bytes lies where they came from and which version of the file they are. */
const originFile = (partial: string): string => `${partial}.origin`;

function earlierAttempt(url: string, partial: string): Kept {
  try {
    const text = readInputText(originFile(partial), { maxBytes: 2 ** 16 });
    const origin = parseBoundedJson(text) as { url?: unknown; validator?: unknown };
    if (origin.url !== withoutPasswords(url)) return { bytes: 0 };
    return { bytes: statSync(partial).size, validator: headerValue(origin.validator) };
  } catch {
    return { bytes: 0 };
  }
}

/** Characters allowed in a request header. */
const headerValue = (value: unknown): string | undefined =>
  typeof value === "string" && /^[\x20-\x7e]{1,1000}$/.test(value) ? value : undefined;

function rangeHeaders({ bytes, validator }: Kept): RequestHeaders {
  if (bytes === 0) return {};
  const range = { range: `bytes=${bytes}-` };
  return validator === undefined ? range : { ...range, "if-range": validator };
}

/** Version of the file: a strong ETag, else its date. */
function validatorOf({ headers }: IncomingMessage): string | undefined {
  const tag = headers.etag;
  return tag && !tag.startsWith("W/") ? tag : headers["last-modified"];
}

const continuesAt = (response: IncomingMessage, bytes: number): boolean =>
  response.statusCode === 206 && response.headers["content-range"]?.startsWith(`bytes ${bytes}-`) === true;

/** After an answer that does not fit the range asked for: the whole file, or the error that it is. */
async function askAnew(refused: IncomingMessage, url: string, signal?: AbortSignal): Promise<IncomingMessage> {
  refused.destroy();
  const rangeFailed = refused.statusCode === 206 || refused.statusCode === 416;
  const response = rangeFailed ? await httpGet(url, {}, signal) : refused;
  if (response.statusCode === 200) return response;
  response.destroy();
  const answer = `${response.statusCode} ${cleanLine(response.statusMessage ?? "").slice(0, 100)}`;
  if (BUSY.has(response.statusCode ?? 0)) throw new Error(`the server answered ${answer}`);
  throw runError(`${url} answered ${answer}.`, "Check the URL, or try again later.");
}

/** Status codes that are retried. */
const BUSY: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
