import { readdirSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Procedure } from "../distill/procedures.js";
import { publishedSetting } from "../distill/published.js";
import { procedures } from "../distill/registry.js";

/** The folder of the presets that come with the program. */
export const PRESETS = fileURLToPath(new URL("../../configs", import.meta.url));

/** The folder of teacher/student pairs. */
export const PAIRS = resolve(PRESETS, "pairs");

const named = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => basename(file, ".json"));

/** PAIR-METHOD for every pair, and every method and variant of the registry. */
const pairPresets = (): Map<string, { pair: string; procedure: Procedure }> =>
  new Map(
    named(PAIRS).flatMap((pair) =>
      procedures().map((procedure) => [`${pair}-${procedure.name}`, { pair, procedure }] as const),
    ),
  );

/** Names of the presets, sorted: those that are files, and one for each pair and method. */
export const presetNames = (): string[] =>
  [...named(PRESETS), ...pairPresets().keys()].sort((a, b) =>
    a.localeCompare(b, "en", { numeric: true }),
  );

/**
 * What a preset of a pair and a method would have in its file: the pair, and the method with what was published for
 * the pair.
 * @param file where it would lie
 * @returns undefined for any other file
 */
export function pairPreset(file: string): Record<string, unknown> | undefined {
  if (dirname(file) !== PRESETS) return undefined;
  const found = pairPresets().get(basename(file, ".json"));
  if (found === undefined) return undefined;
  const { pair, procedure } = found;
  const { weights, options } = publishedSetting(procedure, pair);
  const { set, method } = procedure;
  return { extends: `./pairs/${pair}.json`, distill: method.name, ...set, ...weights, ...options };
}
