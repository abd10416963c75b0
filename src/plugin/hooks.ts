import Module, * as nodeModule from "node:module";
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { types } from "node:util";
import { MessageChannel, type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { inputError } from "../common/errors.js";
import { type Counted, closeLoaded, isLate, isNoted, notedFiles, noteLoaded, packageOf } from "./loaded.js";

interface Found {
  readonly url: string;
  readonly format?: string | null;
  readonly importAttributes?: object;
}

/** Resolves what a module imports; the next one in line does what Node.js would do. */
type Resolve = (
  specifier: string,
  context: { readonly parentURL?: string | undefined },
  next: (specifier: string, context?: object) => Found | Promise<Found>,
) => Found | Promise<Found>;

/** Node.js has it from 22.15 on. */
const { registerHooks } = nodeModule as { registerHooks?: (hooks: { resolve: Resolve }) => void };

/** The program's own files: they count by its version. */
const OWN = new URL("..", import.meta.url);

const fileIn = (url = ""): string | undefined =>
  url.startsWith("file:") && !url.startsWith(OWN.href) ? fileURLToPath(url) : undefined;

/**
 * `pefd/plugin` is this very program wherever it is imported: a plug-in finds it without a node_modules folder, and never
 * another copy, whose registries nobody reads.
 * @param see is told of every other file that is imported, and by which; it may name a module to be loaded instead
 */
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

// What follows up to `resolve` is for the thread in which Node.js 20 runs hooks.

let main: MessagePort | undefined;
let known: readonly Counted[] | undefined;

/** Called by Node.js. @param port leads to the main thread */
export function initialize(port: MessagePort): void {
  main = port;
}

/** A module that throws: an error of another thread would lose its class on the way. */
const insteadOf = (by: string, file: string): string =>
  new URL(`./loaded.js?${new URLSearchParams({ by, file })}`, import.meta.url).href;

/** Called by Node.js for every import. */
export const resolve = resolver((by, file) => {
  known ??= main && receiveMessageOnPort(main)?.message;
  if (known !== undefined && isLate(known, by, file)) return insteadOf(by, file);
  main?.postMessage([by, file]);
  return undefined;
});

// And this is for the main thread.

let thread: MessagePort | undefined;

/** Notes what the thread of hooks has seen. */
function takeNotes(): void {
  for (;;) {
    const note = thread && receiveMessageOnPort(thread);
    if (note === undefined) return;
    const [by, file] = note.message as [string, string];
    noteLoaded(by, file);
  }
}

/** Notes what `require` is asked for: hooks do not see it in Node.js 20, nor anywhere what is in its cache. */
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

/** Node.js before 22.15 calls no hooks for what a module imports that was loaded by `require`. */
const unseen = (by: string, file: string) =>
  inputError(
    `${by} loads the ES module ${file} by require, and this Node.js does not say what that imports.`,
    "Load it by import, or take Node.js 22.15 or newer.",
  );

/** @returns "" for what there is not: `require` itself says so */
function resolved(by: string, id: string): string {
  try {
    return nodeModule.createRequire(by).resolve(id);
  } catch {
    return "";
  }
}

let isWatched = false;

/** From here on `pefd/plugin` is found by plug-ins, and what they load is noted. */
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

/** A turn of waiting, in milliseconds. */
const TURN = 5;

/** Waits for imports that plug-ins began and did not wait for, as long as these bring anything. */
export async function settleImports(): Promise<void> {
  for (let before = -1; before < notedFiles(); ) {
    before = notedFiles();
    await new Promise((done) => setTimeout(done, TURN));
    takeNotes();
  }
}

/** From here on a plug-in may load nothing that does not count already. */
export function closeImports(plugins: readonly Counted[]): void {
  takeNotes();
  closeLoaded(plugins);
  thread?.postMessage(plugins);
}
