import { inputError } from "../common/errors.js";
import { string } from "../common/optionRow.js";
import { readConfiguration, SWEEP_PRESETS } from "../config/file.js";
import { ALL_SECTIONS } from "../config/options.js";
import { type Layer, rowsOf } from "../config/resolve.js";
import { procedures } from "../distill/registry.js";

/** A sweep's file may say `trials` as the flag does. */
export const SWEEP_ROWS = { ...rowsOf(ALL_SECTIONS), trials: string(undefined, "Trials of a sweep.") };

function withTrials(layer: Layer): Layer {
  const { trials, ...values } = layer.values;
  if (trials === undefined) return layer;
  if (values.trial !== undefined) {
    throw inputError(`${layer.label("trial")} and ${layer.label("trials")} are both given.`, "Give one of them.");
  }
  const label = (name: string) => layer.label(name === "trial" ? "trials" : name);
  return { ...layer, label, values: { ...values, trial: trials } };
}

/** The word that stands for every method, in place of a file. */
export const ZOO = "zoo";

const zooLayer = (): Layer => ({
  label: (name) => `${name} of ${ZOO}`,
  origin: () => ZOO,
  values: { distill: procedures().map(({ name }) => name) },
});

/** A sweep's layers, strongest first: flags, environment, `file` (preset, JSON, "zoo"). @throws inputError */
export function sweepLayers(layers: readonly Layer[], file: string | undefined): Layer[] {
  if (file === ZOO) return [...layers.map(withTrials), zooLayer()];
  const own = file === undefined ? [] : readConfiguration(file, SWEEP_ROWS, SWEEP_PRESETS).layers;
  return [...layers, ...own].map(withTrials);
}
