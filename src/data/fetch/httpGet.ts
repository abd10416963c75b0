import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { runError } from "../../common/errors.js";
import { httpAddress } from "../../common/httpAddress.js";

const MOST_REDIRECTS = 5;
const SILENCE_MILLISECONDS = 60_000;

/** Headers of one request, by lower-case name. */
export type RequestHeaders = Readonly<Record<string, string>>;

/**
 * Asks for a URL and follows redirects. The body is left as the server sends it: fetch() would unpack what
 * a server labels as gzip, and checksums and byte ranges of an archive would no longer fit.
 * @returns the answer whatever its status; its body must be read or destroyed
 * @throws inputError for a URL that is not http or https, runError for too many redirects, the system's
 *   error where no server answers, the signal's reason when aborted
 */
export async function httpGet(
  url: string,
  headers: RequestHeaders,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
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

function requestOnce(
  url: URL,
  headers: RequestHeaders,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const start = url.protocol === "https:" ? requestHttps : requestHttp;
    const options = { headers, timeout: SILENCE_MILLISECONDS, ...(signal ? { signal } : {}) };
    const request = start(url, options, resolve);
    request.on("error", reject);
    request.on("timeout", () => {
      const seconds = SILENCE_MILLISECONDS / 1000;
      request.destroy(new Error(`the server was silent for ${seconds} seconds`));
    });
    request.end();
  });
}
