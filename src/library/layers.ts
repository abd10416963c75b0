import { inputError } from "../common/errors.js";
import type { Section } from "../common/optionRow.js";
import { didYouMean } from "../common/text.js";
import { readConfiguration } from "../config/file.js";
import { type Layer, rowsOf } from "../config/resolve.js";
import { ALL_SECTIONS } from "../config/sections.js";

/** Options by their names as flags have them, and `config`: a preset's name or a file of options. */
export type OptionInput = Readonly<Record<string, unknown>> & { readonly config?: string };

/**
 * Where the values of options come from: what was given, then the preset or file. The environment is not asked.
 * @throws inputError for a name that is no option, or a configuration that cannot be read
 */
export function layersOf({ config, ...given }: OptionInput, sections: readonly Section[]): readonly Layer[] {
  const known = rowsOf(sections);
  for (const name of Object.keys(given)) {
    if (known[name] !== undefined) continue;
    throw inputError(
      `Unknown option ${name}.${didYouMean(name, Object.keys(known))}`,
      "docs/flags.md lists the options; names have no dashes here.",
    );
  }
  const own: Layer = { label: (name) => name, origin: () => "given", values: given };
  const configuration = config === undefined ? undefined : readConfiguration(config, rowsOf(ALL_SECTIONS));
  return [own, ...(configuration?.layers ?? [])];
}
