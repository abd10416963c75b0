import type { Completes, Row } from "../../common/optionRow.js";
import { presetNames, sweepNames } from "../../config/pairPresets.js";
import { choicesOf, rowsOf } from "../../config/resolve.js";
import { DATASETS } from "../../data/registry.js";
import { methodNames } from "../../distill/registry.js";
import { modelNames } from "../../models/registry.js";
import { ZOO } from "../../sweep/file.js";
import type { Command } from "../command.js";

export const SHELLS = ["bash", "zsh", "fish"] as const;

export interface Offer {
  readonly words: readonly string[];
  /** Paths besides: every file, or folders with the runs below ./save among them. */
  readonly paths?: "files" | "runs";
}

export interface FlagOffer {
  readonly name: string;
  /** One letter, without the dash. */
  readonly alias?: string | undefined;
  readonly help: string;
  /** Undefined for a switch. */
  readonly value: Offer | undefined;
}

type CommandToLoad = { readonly name: string; readonly summary: string; load(): Promise<{ command: Command }> };

export interface CommandOffer {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagOffer[];
  /** Words that are no flags; undefined where there are none. */
  readonly words: Offer | undefined;
}

const NOTHING: Offer = { words: [] };

/** By the registries as they are now, plug-ins' names with them. */
const OFFERS: Readonly<Record<Completes, () => Offer>> = {
  models: () => ({ words: modelNames() }),
  methods: () => ({ words: methodNames() }),
  datasets: () => ({ words: DATASETS.names() }),
  presets: () => ({ words: presetNames(), paths: "files" }),
  sweeps: () => ({ words: [ZOO, ...sweepNames(), ...presetNames()], paths: "files" }),
  shells: () => ({ words: SHELLS }),
  files: () => ({ words: [], paths: "files" }),
  runs: () => ({ words: [], paths: "runs" }),
};

/** Names go into scripts as they are: none may be read by a shell as anything else. */
const IS_PLAIN = /^[\w@%+=:.,/-]+$/;

const plain = ({ words, ...offer }: Offer): Offer => ({ ...offer, words: words.filter((word) => IS_PLAIN.test(word)) });

function offerOf(row: Row): Offer | undefined {
  if (row.type === "boolean") return undefined;
  if (row.completes !== undefined) return plain(OFFERS[row.completes]());
  const words = choicesOf(row);
  if (words.length > 0) return plain({ words });
  return row.type === "path" || row.type === "paths" ? OFFERS.files() : NOTHING;
}

const firstSentence = (text: string): string => text.split(/(?<=[.;:]) /)[0]?.replace(/[.;:]$/, "") ?? "";

const HELP: FlagOffer = { name: "help", alias: "h", help: "Show this help", value: undefined };

async function offerOfCommand({ name, summary, load }: CommandToLoad): Promise<CommandOffer> {
  const { command } = await load();
  const flags = Object.entries(rowsOf(command.sections)).map(([flag, row]) => {
    return { name: flag, alias: row.alias, help: firstSentence(row.help), value: offerOf(row) };
  });
  const { positionals } = command;
  const words = positionals && plain(OFFERS[positionals.completes ?? "files"]());
  return { name, summary: firstSentence(summary), flags: [...flags, HELP], words };
}

/** Everything that can be typed, from the rows of commands and options. */
export const completionTree = (commands: readonly CommandToLoad[]): Promise<readonly CommandOffer[]> =>
  Promise.all(commands.map(offerOfCommand));

/** Words that can stand in the first place, each with what it does: commands, and first words that several share. */
export function firstWords(tree: readonly CommandOffer[]): [word: string, summary: string][] {
  const words = tree.map(({ name, summary }): [string, string] => {
    const [first = ""] = name.split(" ");
    const names = tree.filter((other) => other.name.startsWith(`${first} `)).map((other) => other.name);
    return [first, names.length === 0 ? summary : names.join(", ")];
  });
  return [...new Map(words)];
}

/** First words that several commands share, such as "data", with the second words. */
export function groups(tree: readonly CommandOffer[]): [first: string, seconds: CommandOffer[]][] {
  const firsts = tree.filter(({ name }) => name.includes(" ")).map(({ name }) => name.split(" ")[0]);
  return [...new Set(firsts as string[])].map((first) => [
    first,
    tree.filter(({ name }) => name.startsWith(`${first} `)),
  ]);
}
