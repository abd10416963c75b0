import Module, * as nodeModule from "node:module";
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { types } from "node:util";
import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { inputError } from "../common/errors.js";
import { type Counted, closeLoaded, isLate, isNoted, notedFiles, noteLoaded, packageOf } from "./loaded.js";

type Found = { readonly url: string; readonly format?: string | null; readonly importAttributes?: object };

/** Resolves an import; the next one in line is Node.js's default. */
type Resolve = (
  specifier: string,
  context: { readonly parentURL?: string | undefined },
  next: (specifier: string, context?: object) => Found | Promise<Found>,
) => Found | Promise<Found>;

/** Since Node.js 22.15. */
const { registerHooks } = nodeModule as { registerHooks?: (hooks: { resolve: Resolve }) => void };

/** The program's own files, which count by its version. */
const OWN = new URL("..", import.meta.url);

const fileIn = (url = ""): string | undefined =>
  url.startsWith("file:") && !url.startsWith(OWN.href) ? fileURLToPath(url) : undefined;

/** Resolves `pefd/plugin` to this program's registries. @param see gets other imports; may return a replacement */
const resolver =
  (see: (by: string, file: string) => string | undefined): Resolve =>
  (specifier, context, next) => {
    const isOwn = /^pefd(\/|$)/.test(specifier);
    const found = next(specifier, isOwn ? { ...context, parentURL: import.meta.url } : context);
    const seen = (result: Found): Found => {
      const [by, file] = [fileIn(context.parentURL), fileIn(result.url)];
      const instead = by !== undefined && file !== undefined && see(by, file);
      return instead ? { url: instead, format: "module", importAttributes: {} } : result;
    };
    return found instanceof Promise ? found.then(seen) : seen(found);
  };

// Up to `resolve` for the thread of Node.js 20's hooks.

let main: MessagePort | undefined;
let known: readonly Counted[] | undefined;

/** Called by Node.js. @param port to the main thread */
export function initialize(port: MessagePort): void {
  main = port;
}

/** A module that throws, as an error from another thread would lose its class. */
const insteadOf = (by: string, file: string): string =>
  new URL(`./loaded.js?${new URLSearchParams({ by, file })}`, import.meta.url).href;

/** Called by Node.js per import. */
export const resolve = resolver((by, file) => {
  known ??= main && receiveMessageOnPort(main)?.message;
  if (known !== undefined && isLate(known, by, file)) return insteadOf(by, file);
  main?.postMessage([by, file]);
  return undefined;
});

// The rest for the main thread.

let thread: MessagePort | undefined;

function takeNotes(): void {
  for (;;) {
    const note = thread && receiveMessageOnPort(thread);
    if (note === undefined) return;
    const [by, file] = note.message as [string, string];
    noteLoaded(by, file);
  }
}

/** Notes `require` calls: hooks miss them in Node.js 20, and everywhere when cached. */
function watchRequire(): void {
  const { require: original } = Module.prototype;
  Module.prototype.require = function (this: NodeModule, id: string) {
    takeNotes();
    const file = isNoted(this.filename) ? resolved(this.filename, id) : "";
    const isOther = isAbsolute(file) && !file.startsWith(OWN.pathname);
    if (isOther) noteLoaded(this.filename, file);
    const loaded: unknown = original.call(this, id);
    const isUnseen = registerHooks === undefined && types.isModuleNamespaceObject(loaded);
    if (isOther && isUnseen && packageOf(file) === undefined) throw unseen(this.filename, file);
    return loaded;
  } as typeof original;
}

/** Before Node.js 22.15 hooks miss imports of modules loaded by `require`. */
const unseen = (by: string, file: string) =>
  inputError(
    `${by} loads the ES module ${file} by require, and this Node.js does not say what that imports.`,
    "Load it by import, or take Node.js 22.15 or newer.",
  );

/** @returns "" for a missing one: `require` itself reports it */
function resolved(by: string, id: string): string {
  try {
    return nodeModule.createRequire(by).resolve(id);
  } catch {
    return "";
  }
}

let isWatched = false;

/** Starts to resolve `pefd/plugin` for plug-ins and to note what they load. */
export function watchImports(): void {
  if (isWatched) return;
  isWatched = true;
  watchRequire();
  if (registerHooks !== undefined) {
    const note = (by: string, file: string) => {
      noteLoaded(by, file);
      return undefined;
    };
    registerHooks({ resolve: resolver(note) });
    return;
  }
  const { port1, port2 } = new MessageChannel();
  thread = port1;
  nodeModule.register(import.meta.url, { data: port2, transferList: [port2] });
}

/** In milliseconds. */
const TURN = 5;

/** Waits for imports that plug-ins started without waiting, as long as new ones appear. */
export async function settleImports(): Promise<void> {
  for (let before = -1; before < notedFiles(); ) {
    before = notedFiles();
    await new Promise((done) => setTimeout(done, TURN));
    takeNotes();
  }
}

/** Refuses new files of plug-ins from here on. */
export function closeImports(plugins: readonly Counted[]): void {
  takeNotes();
  closeLoaded(plugins);
  thread?.postMessage(plugins);
}
