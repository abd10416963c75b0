import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inputError, runError } from "../common/errors.js";
import { htmlPage, pageScripts } from "./page/htmlPage.js";
import type { Collection } from "./runs/collect.js";
import { runCollector } from "./runs/collector.js";
import { stateOf } from "./runs/runRecord.js";
import { type Published, summarize } from "./runs/summarize.js";

/** A page, and a version that changes only with its content. */
export type LivePage = { readonly html: string; readonly version: string };

/** Milliseconds for which a look at the runs is good enough. */
const FRESH = 500;

/** A slow page is made again only after so many times as long. */
const REST = 2;

const isFolder = (dir: string) => statSync(dir, { throwIfNoEntry: false })?.isDirectory() === true;

/** The report's page, following runs. @param clock ms since 1970 @param collect the same object while unchanged */
export function livePage(
  dirs: readonly string[],
  published: Published,
  clock: () => number = Date.now,
  collect = runCollector(clock),
): () => LivePage {
  let page: LivePage = { html: "", version: "" };
  let drawn: { readonly found: Collection; readonly rest: string } | undefined;
  let looked = Number.NEGATIVE_INFINITY;
  let fresh = FRESH;
  let count = 0;
  return () => {
    const now = clock();
    if (drawn !== undefined && Math.abs(now - looked) < fresh) return page;
    [looked, fresh] = [now, FRESH];
    const found = collect(dirs.filter(isFolder));
    const gone = dirs.filter((dir) => !isFolder(dir)).map((dir) => `No such folder: ${dir}.`);
    const states = found.runs.filter((run) => !run.finished).map((run) => stateOf(run, now));
    const rest = JSON.stringify([gone, states]);
    if (drawn?.found === found && drawn.rest === rest) return page;
    const start = performance.now();
    const version = String(++count);
    const whole = { runs: found.runs, problems: [...found.problems, ...gone] };
    const summaries = summarize(whole.runs, published);
    page = { html: htmlPage(summaries, whole, new Date(now), { version }), version };
    drawn = { found, rest };
    fresh = Math.max(FRESH, REST * (performance.now() - start));
    return page;
  };
}

export interface ReportServer {
  /** Where it is, with the word that lets one in. */
  readonly url: string;
  close(): Promise<void>;
}

const ADDRESS = "127.0.0.1";

/** Host names of this machine; any other may be DNS rebinding. The port may differ, as through a tunnel. */
const OWN_NAMES: ReadonlySet<string> = new Set([ADDRESS, "localhost"]);

const nameIn = (host: string | undefined) => /^([^:]*)(?::\d+)?$/.exec(host ?? "")?.[1] ?? "";

const digest = (text: string) => createHash("sha256").update(text).digest();

const isSame = (one: string, other: string) => timingSafeEqual(digest(one), digest(other));

const HEADERS = {
  "Cache-Control": "private, no-cache",
  "Content-Security-Policy": `${pageScripts(true).policy}; frame-ancestors 'none'`,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const refusal = (status: number, text: string, headers = {}): Answer => ({
  status,
  text: `${text}\n`,
  headers: { "Content-Type": "text/plain; charset=utf-8", ...headers },
});

/** Answers a request: only the page, only to clients that know its address. */
function answer(request: IncomingMessage, path: string, page: () => LivePage): Answer {
  if (!OWN_NAMES.has(nameIn(request.headers.host))) {
    return refusal(403, `This server answers to ${[...OWN_NAMES].join(" and ")} only.`);
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return refusal(405, "This page is read-only.", { Allow: "GET, HEAD" });
  }
  const [asked = ""] = (request.url ?? "").split("?");
  if (!isSame(asked, path)) return refusal(404, "Open the address that pefd report printed.");
  const { html, version } = page();
  const etag = `"${version}"`;
  if (request.headers["if-none-match"] === etag) {
    return { status: 304, text: "", headers: { ETag: etag } };
  }
  return { status: 200, text: html, headers: { "Content-Type": "text/html; charset=utf-8", ETag: etag } };
}

function respond(request: IncomingMessage, response: ServerResponse, given: Answer): void {
  const length = given.status === 304 ? {} : { "Content-Length": Buffer.byteLength(given.text) };
  response.writeHead(given.status, { ...HEADERS, ...given.headers, ...length });
  response.end(request.method === "HEAD" ? undefined : given.text);
}

function handler(path: string, page: () => LivePage) {
  return (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    try {
      respond(request, response, answer(request, path, page));
    } catch (error) {
      // The page is asked for again in a moment, and the runs may be readable then.
      respond(request, response, refusal(500, (error as Error).message));
    }
  };
}

function problemOf({ code, message }: NodeJS.ErrnoException, port: number) {
  const hint = "Choose another with --serve PORT; plain --serve takes any free port.";
  if (code === "EADDRINUSE") return inputError(`Port ${port} is already in use.`, hint);
  if (code === "EACCES") return inputError(`Port ${port} needs root privileges.`, hint);
  return runError(`The page cannot be served at port ${port}: ${message}.`, hint);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((done, failed) => {
    server.once("error", (error) => failed(problemOf(error, port)));
    server.listen(port, ADDRESS, done);
  });
}

/** Serves a read-only page to local browsers at a random address; port 0: any free one; inputError for one in use. */
export async function serveReport(page: () => LivePage, port: number): Promise<ReportServer> {
  const path = `/${randomBytes(16).toString("base64url")}`;
  const server = createServer(handler(path, page));
  await listen(server, port);
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://${ADDRESS}:${own}${path}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
