import { inputError } from "../common/errors.js";
import { PLUGINS, type PluginRow } from "../common/plugins.js";
import { DATASETS } from "../data/registry.js";
import type { Method } from "../distill/method.js";
import { proceduresOf } from "../distill/procedures.js";
import { METHODS, procedures } from "../distill/registry.js";
import { MODELS } from "../models/registry.js";
import type { Plugin } from "./define.js";

type Kind = "methods" | "models" | "datasets";

/** What rows of each kind are called, and the names that there are. */
const KINDS: Readonly<Record<Kind, { one: string; taken: () => readonly string[] }>> = {
  methods: { one: "method", taken: () => procedures().map(({ name }) => name) },
  models: { one: "model", taken: MODELS.names },
  datasets: { one: "data set", taken: DATASETS.names },
};

const ownerOf = (kind: Kind, name: string): string => {
  const plugin = PLUGINS.rows().find((other) => other[kind].includes(name));
  return plugin === undefined ? "pefd itself has one" : `the plug-in ${plugin.name} has one`;
};

/** @throws inputError where a name is one that there is */
function refuseTaken({ name: file, ...plugin }: PluginRow): void {
  for (const [kind, { one, taken }] of Object.entries(KINDS) as [Kind, (typeof KINDS)[Kind]][]) {
    const names = plugin[kind];
    const known = taken();
    const isTwice = (name: string, i: number) => names.indexOf(name) < i;
    const name = names.find((own, i) => known.includes(own) || isTwice(own, i));
    if (name === undefined) continue;
    const who = known.includes(name) ? ownerOf(kind, name) : "it has one already";
    throw inputError(
      `The plug-in ${file} has a ${one} ${name}, and ${who}.`,
      `Give it another name in ${file}.`,
    );
  }
}

/** Golden numbers are of the program's own methods. */
const withoutGolden = (method: Method): Method => ({
  golden: [],
  ...method,
  ...(method.variants && {
    variants: method.variants.map((variant) => ({ golden: [], ...variant })),
  }),
});

/**
 * Adds what a plug-in brings to the registries: from then on it is like what the program has itself.
 * @param file its path, absolute
 * @throws inputError where a name is taken
 */
export function registerPlugin(file: string, sha256: string, plugin: Plugin): void {
  const { methods = [], models = [], datasets = [] } = plugin;
  const namesOf = (rows: readonly { readonly name: string }[]) => rows.map(({ name }) => name);
  const row: PluginRow = {
    ...{ name: file, sha256 },
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
