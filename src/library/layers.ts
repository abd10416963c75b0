import { inputError } from "../common/errors.js";
import type { Section } from "../common/optionRow.js";
import { didYouMean } from "../common/text.js";
import { readConfiguration } from "../config/file.js";
import { ALL_SECTIONS } from "../config/options.js";
import { type Layer, rowsOf } from "../config/resolve.js";

/** Options by flag, and `config`: a preset or a file of options. */
export type OptionInput = Readonly<Record<string, unknown>> & { readonly config?: string };

/** Given options, then the preset or file. @throws inputError for an unknown option or unreadable configuration */
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
