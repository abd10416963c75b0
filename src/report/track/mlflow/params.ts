import { flatten } from "../../runs/flatten.js";

/** Longer values are refused by older servers; a configuration has none but lists that nobody reads. */
const LENGTH = { key: 250, value: 500 };

/** A parameter of a run as MLflow takes it. */
export interface Param {
  readonly key: string;
  readonly value: string;
}

/** A configuration as MLflow's parameters, with dots between its levels. */
export const mlflowParams = (settings: Readonly<Record<string, unknown>>): Param[] =>
  flatten(settings).map(([key, value]) => ({
    key: key.replace(/[^\w. /-]/g, "_").slice(0, LENGTH.key),
    value: value.slice(0, LENGTH.value),
  }));

/** The tags of a run that is not one of Python's. */
export const MLFLOW_TAGS = [{ key: "mlflow.source.name", value: "pefd" }] as const;
