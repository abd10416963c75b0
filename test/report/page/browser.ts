import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { TestContext } from "node:test";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** A Chromium that starts, or undefined. PEFD_CHROMIUM names another than those on the PATH. */
export function findChromium(): string | undefined {
  const names = process.env.PEFD_CHROMIUM ? [process.env.PEFD_CHROMIUM] : NAMES;
  return names.find((name) => spawnSync(name, ["--version"]).status === 0);
}

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--hide-scrollbars",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--remote-debugging-pipe",
];

/** A message of the DevTools protocol; each ends with a zero byte. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

const TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))";

type Send = (method: string, params?: object, sessionId?: string) => Promise<Message["result"]>;

/** The protocol over the two pipes of a browser. */
function connect(child: ChildProcess, onEvent: (message: Message) => void): Send {
  const [input, output] = [child.stdio[3] as Writable, child.stdio[4] as Readable];
  const waiting = new Map<number, (message: Message) => void>();
  let rest = "";
  output.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\0");
    rest = parts.pop() ?? "";
    for (const message of parts.map((part) => JSON.parse(part) as Message)) {
      if (message.id === undefined) onEvent(message);
      else waiting.get(message.id)?.(message);
    }
  });
  let last = 0;
  return (method, params = {}, sessionId) =>
    new Promise((done, failed) => {
      const id = ++last;
      waiting.set(id, ({ result, error }) =>
        error === undefined ? done(result ?? {}) : failed(new Error(`${method}: ${error.message}`)),
      );
      input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
}

/** What a reader has: a window of some size, in light or dark. */
export interface Look {
  readonly width: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
  readonly media?: "screen" | "print";
}

/** A page in a browser. */
export interface Tab {
  open(url: string): Promise<void>;
  look(look: Look): Promise<void>;
  /** The value of an expression, waited for where it is a promise. */
  evaluate<T>(expression: string): Promise<T>;
  press(key: string): Promise<void>;
  /** Moves the pointer to a place of the window. */
  point(x: number, y: number): Promise<void>;
  /** The whole page, or what the window shows, as PNG. */
  screenshot(whole?: boolean): Promise<Buffer>;
  /** What the page's scripts and its policy complained of. */
  readonly complaints: readonly string[];
}

async function attach(send: Send, complaints: string[], loaded: () => Promise<unknown>): Promise<Tab> {
  const { targetId } = (await send("Target.createTarget", { url: "about:blank" })) as {
    targetId: string;
  };
  const { sessionId } = (await send("Target.attachToTarget", { targetId, flatten: true })) as {
    sessionId: string;
  };
  const own = (method: string, params: object = {}) => send(method, params, sessionId);
  for (const domain of ["Page", "Runtime", "Log"]) await own(`${domain}.enable`);
  return {
    complaints,
    async open(url) {
      const done = loaded();
      await own("Page.navigate", { url });
      await done;
    },
    async look({ width, height = 1000, scheme = "light", media = "screen" }) {
      const metrics = { width, height, deviceScaleFactor: 1, mobile: false };
      await own("Emulation.setDeviceMetricsOverride", metrics);
      const features = [{ name: "prefers-color-scheme", value: scheme }];
      await own("Emulation.setEmulatedMedia", { media, features });
      // On a busy machine the page may not know of it before its next frames.
      await own("Runtime.evaluate", { expression: TWO_FRAMES, awaitPromise: true });
    },
    async evaluate<T>(expression: string) {
      const options = { expression, awaitPromise: true, returnByValue: true };
      const answer = (await own("Runtime.evaluate", options)) as {
        result: { value: T };
        exceptionDetails?: object;
      };
      if (answer.exceptionDetails) throw new Error(JSON.stringify(answer.exceptionDetails));
      return answer.result.value;
    },
    async press(key) {
      await own("Input.dispatchKeyEvent", { type: "keyDown", key, code: key });
      await own("Input.dispatchKeyEvent", { type: "keyUp", key, code: key });
    },
    async point(x, y) {
      await own("Input.dispatchMouseEvent", { type: "mouseMoved", x, y });
    },
    async screenshot(whole = false) {
      const options = { format: "png", captureBeyondViewport: whole };
      const { data } = (await own("Page.captureScreenshot", options)) as { data: string };
      return Buffer.from(data, "base64");
    },
  };
}

const textOf = ({ method, params }: Message): string | undefined => {
  if (method === "Runtime.exceptionThrown") return JSON.stringify(params);
  const entry = params?.entry as { level: string; text: string } | undefined;
  return method === "Log.entryAdded" && entry?.level === "error" ? entry.text : undefined;
};

/** Opens a browser with a fresh profile for one test; both are gone after it. */
export async function openTab(t: TestContext, chromium: string): Promise<Tab> {
  const profile = mkdtempSync(join(tmpdir(), "pefd-chromium-"));
  const child = spawn(chromium, [...FLAGS, `--user-data-dir=${profile}`], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  t.after(async () => {
    // Its own end waits for its helpers, which write into the profile.
    await send("Browser.close");
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  const complaints: string[] = [];
  const loads: (() => void)[] = [];
  const send = connect(child, (message) => {
    if (message.method === "Page.loadEventFired") loads.shift()?.();
    const complaint = textOf(message);
    if (complaint !== undefined) complaints.push(complaint);
  });
  return attach(send, complaints, () => new Promise<void>((done) => loads.push(done)));
}
