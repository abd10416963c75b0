import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { parseBoundedJson } from "../common/boundedJson.js";
import { inputError, PefdError } from "../common/errors.js";
import { readInputText } from "../common/files/inputFile.js";
import { alsoNamed, type Rows } from "../common/optionRow.js";
import { didYouMean } from "../common/text.js";
import { PRESETS, pairPreset, presetFollowing, presetNames, SWEEPS, sweepNames } from "./pairPresets.js";
import { optionsOfRecord, type RecordKind, recordKind } from "./record.js";
import type { Layer } from "./resolve.js";

const OWN_KEYS = ["extends", "description"];

export interface Configuration {
  readonly description: string | undefined;
  /** The kind of run, if the file is a run's record. */
  readonly record: RecordKind | undefined;
  /** The file's options, then those of what it extends. */
  readonly layers: readonly Layer[];
}

const looksLikePath = (text: string): boolean => /\.(json|ya?ml)$/i.test(text) || text.includes("/");

const PLAIN_PRESETS: PresetPlaces = { folders: [PRESETS], names: presetNames };
export const SWEEP_PRESETS: PresetPlaces = {
  folders: [PRESETS, SWEEPS],
  names: () => [...presetNames(), ...sweepNames()],
};

type PresetPlaces = { readonly folders: readonly string[]; readonly names: () => readonly string[] };

/** The file of `--config NAME|FILE`: a path if it looks like one, else a preset. */
function locate(nameOrFile: string, { folders, names }: PresetPlaces): string {
  if (looksLikePath(nameOrFile)) return resolve(nameOrFile);
  const places = folders.map((folder) => resolve(folder, `${nameOrFile}.json`));
  const preset = places.find((file) => existsSync(file) || pairPreset(file) !== undefined);
  if (preset !== undefined) return preset;
  throw inputError(
    `Unknown preset: ${nameOrFile}.${didYouMean(nameOrFile, names())}`,
    "`pefd config list` lists the presets; a file path ends in .json or contains a /.",
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const MAX_FILE_BYTES = 2 ** 20;

function readText(file: string): string {
  try {
    return readInputText(file, { maxBytes: MAX_FILE_BYTES });
  } catch (error) {
    if (error instanceof PefdError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      throw inputError(`No such file: ${file}.`, "`pefd config list` lists the presets; their names have no .json.");
    }
    throw inputError(`The configuration ${file} cannot be read: ${(error as Error).message}.`);
  }
}

function parse(file: string, text: string): unknown {
  if (/\.ya?ml$/i.test(file)) {
    throw inputError(
      `The configuration ${file} looks like YAML; pefd reads JSON.`,
      'The same as JSON: {"epochs": 10, "distill": "kd"}.',
    );
  }
  try {
    return parseBoundedJson(text);
  } catch (error) {
    throw inputError(`The configuration ${file} cannot be read: it ${(error as Error).message}.`);
  }
}

function readJson(file: string): Record<string, unknown> {
  const content = pairPreset(file) ?? parse(file, readText(file));
  if (!isRecord(content)) throw inputError(`The configuration ${file} is not a JSON object of options.`);
  return content;
}

const nameOfKey = (key: string, known: Rows): string =>
  Object.keys(known).find((name) => alsoNamed(known[name] ?? {}).includes(key)) ?? key;

function checkKeys(file: string, keys: readonly string[], known: Rows): void {
  const allowed = Object.keys(known).filter((name) => !known[name]?.flagOnly);
  for (const key of keys.map((typed) => nameOfKey(typed, known))) {
    if (allowed.includes(key) || OWN_KEYS.includes(key)) continue;
    if (Object.hasOwn(known, key)) throw inputError(`${key} in ${file} works only on the command line.`);
    throw inputError(
      `${file} sets ${key}, which is not an option.${didYouMean(key, [...allowed, ...OWN_KEYS])}`,
      "docs/flags.md lists the options; keys are option names without dashes.",
    );
  }
}

/** Presets by name, other files by path. */
const describe = (file: string): string =>
  file.startsWith(PRESETS) ? `preset ${basename(file, ".json")}` : `config ${file}`;

function layerOf(file: string, content: Record<string, unknown>, known: Rows): Layer {
  const values = Object.entries(content)
    .filter(([key]) => !OWN_KEYS.includes(key))
    .map(([key, value]) => [nameOfKey(key, known), value]);
  const place = describe(file);
  return {
    label: (name) => `${name} in ${place}`,
    origin: () => place,
    values: Object.fromEntries(values),
    following: presetFollowing(file),
  };
}

/** Extended presets by name, other files by path relative to this one. */
function parentOf(file: string, content: Record<string, unknown>): string | undefined {
  if (content.extends === undefined) return undefined;
  if (typeof content.extends !== "string") throw inputError(`extends in ${file} is not a name.`);
  const beside = resolve(dirname(file), content.extends);
  return looksLikePath(content.extends) ? beside : locate(content.extends, PLAIN_PRESETS);
}

interface Link extends Pick<Configuration, "record"> {
  readonly content: Record<string, unknown>;
  readonly layer: Layer;
}

/** A file, then what it extends. */
function readChain(file: string, known: Rows, seen: readonly string[]): Link[] {
  if (seen.includes(file)) throw inputError(`The configuration ${file} extends itself.`);
  const read = readJson(file);
  const record = recordKind(read);
  const content = record === undefined ? read : optionsOfRecord(read, record, known);
  checkKeys(file, Object.keys(content), known);
  const parent = parentOf(file, content);
  const above = parent === undefined ? [] : readChain(parent, known, [...seen, file]);
  return [{ record, content, layer: layerOf(file, content, known) }, ...above];
}

/**
 * Reads a preset, a JSON file or a run's record, and what it extends.
 * @param known options of all commands, as a file may serve several
 * @throws inputError for a missing or broken file, an unknown key, circular extends
 */
export function readConfiguration(
  nameOrFile: string,
  known: Rows,
  presets: PresetPlaces = PLAIN_PRESETS,
): Configuration {
  const links = readChain(locate(nameOrFile, presets), known, []);
  const described = links.find(({ content }) => content.description !== undefined);
  return {
    description: described?.content.description as string | undefined,
    record: links.find(({ record }) => record !== undefined)?.record,
    layers: links.map(({ layer }) => layer),
  };
}
