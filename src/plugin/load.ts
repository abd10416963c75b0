import { realpathSync, statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { environmentError, inputError, PefdError } from "../common/errors.js";
import { PLUGINS } from "../common/plugins.js";
import { DATASETS } from "../data/registry.js";
import { METHODS } from "../distill/registry.js";
import { MODELS } from "../models/registry.js";
import type { Plugin } from "./define.js";
import { closeImports, settleImports, watchImports } from "./hooks.js";
import { type Counted, countedOf, noteRoot, pluginSha256 } from "./loaded.js";
import { registerPlugin } from "./register.js";
import { checkedPlugin } from "./shape.js";

const TYPESCRIPT = new Set([".ts", ".mts"]);
const JAVASCRIPT = new Set([".js", ".mjs"]);

/** Frames of a stack: as many as reach from TensorFlow.js to the plug-in's line that called it. */
const STACK_FRAMES = 50;

/** The file, absolute and without links. @throws inputError, environmentError */
function locate(typed: string, features: { readonly typescript?: unknown }): string {
  const path = resolve(typed);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    throw inputError(
      `There is no plug-in ${path}.`,
      "--plugin and PEFD_PLUGINS take the paths of files.",
    );
  }
  const ending = extname(path);
  if (!found.isFile() || !(TYPESCRIPT.has(ending) || JAVASCRIPT.has(ending))) {
    throw inputError(
      `${path} cannot be a plug-in.`,
      "Give a file of JavaScript (.js, .mjs) or TypeScript (.ts, .mts).",
    );
  }
  if (TYPESCRIPT.has(ending) && !features.typescript) {
    throw environmentError(
      `${path} is TypeScript, which this Node.js does not run: 22.18 and newer do.`,
      "Take a newer Node.js, or give the plug-in as JavaScript.",
    );
  }
  return realpathSync(path);
}

/** Where in the plug-in an error is from, as far as its stack tells. */
function placeIn(file: string, { stack = "" }: Error): string {
  const url = pathToFileURL(file).href;
  const line = stack.split("\n").find((frame) => frame.includes(url));
  const place = line?.slice(line.indexOf(url) + url.length).match(/^(:\d+)+/)?.[0];
  return place === undefined ? "" : ` (line ${place.slice(1).split(":")[0]})`;
}

async function exportOf(file: string): Promise<unknown> {
  noteRoot(file);
  try {
    return ((await import(pathToFileURL(file).href)) as { readonly default?: unknown }).default;
  } catch (thrown) {
    if (thrown instanceof PefdError) throw thrown;
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const [first = ""] = error.message.split("\n");
    const told = inputError(
      `The plug-in ${file} cannot be loaded${placeIn(file, error)}: ${error.name}: ${first}.`,
      "Mend it and type this again; --debug shows its stack trace.",
    );
    throw Object.assign(told, { cause: error });
  }
}

/** Everything that plug-ins add to. */
const REGISTRIES = [METHODS, MODELS, DATASETS, PLUGINS];

/** From here on choices, help and checks are made from what there is. */
export function closeRegistries(): void {
  for (const registry of REGISTRIES) registry.close();
}

/** @throws inputError where choices were made already */
function refuseLate(): void {
  if (!PLUGINS.isClosed()) return;
  throw inputError("Plug-ins are loaded before anything else is done, and all at once.");
}

/**
 * Takes the methods, models and data sets of some files among the program's own, and closes the registries. To be called
 * before anything is made from them.
 * @param files as typed; one that is given twice is loaded once
 * @param features what this Node.js does with TypeScript (process.features)
 * @throws inputError for a file that is not there, that throws, that has another shape, or whose names are taken;
 * environmentError for TypeScript where Node.js does not run it
 */
export async function loadPlugins(
  files: readonly string[],
  features: { readonly typescript?: unknown },
): Promise<void> {
  refuseLate();
  Error.stackTraceLimit = STACK_FRAMES;
  watchImports();
  const plugins = new Map<string, Plugin>();
  for (const file of files.map((typed) => locate(typed, features))) {
    if (!plugins.has(file)) plugins.set(file, checkedPlugin(file, await exportOf(file)));
  }
  await settleImports();
  const counted = Array.from(plugins, ([file, { files = [] }]) => countedOf(file, files));
  closeImports(counted);
  for (const [i, [file, plugin]] of [...plugins].entries()) {
    registerPlugin(file, pluginSha256(file, counted[i] as Counted), plugin);
  }
  closeRegistries();
}
