import { realpathSync, statSync } from "node:fs";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { environmentError, inputError, PefdError } from "../common/errors.js";
import { PLUGINS, type PluginRow } from "../common/plugins.js";
import { DATASETS } from "../data/registry.js";
import type { Method } from "../distill/method.js";
import { proceduresOf } from "../distill/open.js";
import { METHODS, procedures } from "../distill/registry.js";
import { MODELS } from "../models/registry.js";
import type { Plugin } from "./define.js";
import { closeImports, settleImports, watchImports } from "./hooks.js";
import { type Counted, countedOf, noteRoot, pluginSha256 } from "./loaded.js";
import { checkedPlugin } from "./shape.js";

type Kind = "methods" | "models" | "datasets";

const KINDS: Readonly<Record<Kind, { one: string; taken: () => readonly string[] }>> = {
  methods: { one: "method", taken: () => procedures().map(({ name }) => name) },
  models: { one: "model", taken: MODELS.names },
  datasets: { one: "data set", taken: DATASETS.names },
};

const ownerOf = (kind: Kind, name: string): string => {
  const plugin = PLUGINS.rows().find((other) => other[kind].includes(name));
  return plugin === undefined ? "pefd itself has one" : `the plug-in ${plugin.name} has one`;
};

/** @throws inputError for taken names */
function refuseTaken({ name: file, ...plugin }: PluginRow): void {
  for (const [kind, { one, taken }] of Object.entries(KINDS) as [Kind, (typeof KINDS)[Kind]][]) {
    const names = plugin[kind];
    const known = taken();
    const isTwice = (name: string, i: number) => names.indexOf(name) < i;
    const name = names.find((own, i) => known.includes(own) || isTwice(own, i));
    if (name === undefined) continue;
    const who = known.includes(name) ? ownerOf(kind, name) : "it has one already";
    throw inputError(`The plug-in ${file} has a ${one} ${name}, and ${who}.`, `Give it another name in ${file}.`);
  }
}

/** Golden numbers exist for pefd's own methods only. */
const withoutGolden = (method: Method): Method => ({
  golden: [],
  ...method,
  ...(method.variants && { variants: method.variants.map((variant) => ({ golden: [], ...variant })) }),
});

/** Adds a plug-in's content to the registries. @param file absolute @throws inputError for taken names */
export function registerPlugin(file: string, sha256: string, plugin: Plugin): void {
  const { methods = [], models = [], datasets = [] } = plugin;
  const namesOf = (rows: readonly { readonly name: string }[]) => rows.map(({ name }) => name);
  const row: PluginRow = {
    name: file,
    sha256,
    methods: namesOf(methods.flatMap(proceduresOf)),
    models: namesOf(models),
    datasets: namesOf(datasets),
  };
  refuseTaken(row);
  for (const method of methods) METHODS.add(withoutGolden(method));
  for (const model of models) MODELS.add(model);
  for (const dataset of datasets) DATASETS.add(dataset);
  PLUGINS.add(row);
}

const TYPESCRIPT = new Set([".ts", ".mts"]);
const JAVASCRIPT = new Set([".js", ".mjs"]);

/** Enough stack frames to reach from TensorFlow.js to the plug-in's line. */
const STACK_FRAMES = 50;

/** Absolute, without links. @throws inputError, environmentError */
function locate(typed: string, features: { readonly typescript?: unknown }): string {
  const path = resolve(typed);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    throw inputError(`There is no plug-in ${path}.`, "--plugin and PEFD_PLUGINS take the paths of files.");
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

/** Where in the plug-in an error is from, if its stack says. */
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

const REGISTRIES = [METHODS, MODELS, DATASETS, PLUGINS];

/** Closes the registries, before choices, help and checks are made from them. */
export function closeRegistries(): void {
  for (const registry of REGISTRIES) registry.close();
}

/**
 * Loads plug-ins and closes the registries, before anything is made from them.
 * @param files as typed; repeated ones are loaded once
 * @param features process.features, for TypeScript
 * @throws inputError for a file that is missing, throws or has another shape, or taken names; environmentError for
 * TypeScript where Node.js does not run it
 */
export async function loadPlugins(
  files: readonly string[],
  features: { readonly typescript?: unknown },
): Promise<void> {
  if (PLUGINS.isClosed()) throw inputError("Plug-ins are loaded before anything else is done, and all at once.");
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
