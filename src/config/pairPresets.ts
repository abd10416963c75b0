import { readdirSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { namesIn } from "../distill/combination.js";
import type { Procedure } from "../distill/open.js";
import { publishedSetting } from "../distill/published.js";
import { procedures } from "../distill/registry.js";
import type { Layer } from "./resolve.js";

export const PRESETS = fileURLToPath(new URL("../../configs", import.meta.url));

/** Teacher/student pairs. */
export const PAIRS = resolve(PRESETS, "pairs");

/** Presets with lists of values, for `pefd sweep`. */
export const SWEEPS = resolve(PRESETS, "sweeps");

const named = (folder: string): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => basename(file, ".json"));

/** PAIR-METHOD for every pair, method and variant. */
const pairPresets = (): string[] => named(PAIRS).flatMap((pair) => procedures().map(({ name }) => `${pair}-${name}`));

/** Sorted names of presets: files, and one per pair and method. */
export const presetNames = (): string[] =>
  [...named(PRESETS), ...pairPresets()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));

/** Names of the presets for sweeps. */
export const sweepNames = (): string[] => named(SWEEPS).sort();

/** Parts of a name PAIR-METHOD+METHOD; undefined for other names. */
function sumPreset(name: string): { pair: string; summed: readonly Procedure[] } | undefined {
  const pair = named(PAIRS).find((known) => name.startsWith(`${known}-`));
  if (pair === undefined) return undefined;
  const summed = namesIn(name.slice(pair.length + 1)).map((one) =>
    procedures().find((procedure) => procedure.name === one),
  );
  return summed.every((procedure) => procedure !== undefined) ? { pair, summed } : undefined;
}

function publishedValues(pair: string, summed: readonly Procedure[]): Record<string, unknown> {
  const settings = summed.map((procedure) => publishedSetting(procedure, pair));
  const betas = settings.map(({ weights }) => weights.beta);
  return {
    distill: summed.map(({ method }) => method.name).join("+"),
    ...Object.assign({}, ...summed.map(({ set }) => set)),
    ...settings[0]?.weights,
    beta: betas.length === 1 ? betas[0] : betas,
    ...Object.assign({}, ...settings.map(({ options }) => options).toReversed()),
  };
}

/** What a preset of a pair and its methods would have in its file; undefined for any other file. */
export function pairPreset(file: string): Record<string, unknown> | undefined {
  const found = presetAt(file);
  if (found === undefined) return undefined;
  const { pair, summed } = found;
  return { extends: `./pairs/${pair}.json`, ...publishedValues(pair, summed) };
}

const presetAt = (file: string) => (dirname(file) === PRESETS ? sumPreset(basename(file, ".json")) : undefined);

/** What such a preset says of variants: `--config PAIR-kd --lskd` takes lskd_kd's published settings. */
export function presetFollowing(file: string): Layer["following"] {
  const found = presetAt(file);
  if (found === undefined) return undefined;
  const nameOf = (summed: readonly Procedure[]) => summed.map(({ name }) => name).join("+");
  return (summed) => {
    if (nameOf(summed) === nameOf(found.summed)) return undefined;
    const origin = `preset ${found.pair}-${nameOf(summed)}`;
    return { origin: () => origin, values: publishedValues(found.pair, summed) };
  };
}
