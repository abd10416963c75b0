import { statSync } from "node:fs";
import { inputError } from "../../common/errors.js";
import { createRegistry } from "../../common/registry.js";
import { mlflowFiles } from "./mlflow/files.js";
import { mlflowServer } from "./mlflow/server.js";
import type { TrackingPlace } from "./place.js";
import { wandbFiles } from "./wandb/files.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** A kind of place that runs can be told of. */
interface TrackerRow {
  /** What stands before the first colon of its `--track`. */
  readonly name: string;
  /** Its `--track` as it is typed, such as mlflow:DIR. */
  readonly form: string;
  /**
   * The place that is named behind the colon; undefined where that names none.
   * @param typed the whole of what was typed
   * @throws inputError where a file is in the way
   */
  open(behind: string, typed: string, env: Environment): TrackingPlace | undefined;
}

const server: TrackerRow["open"] = (_behind, typed, env) =>
  URL.canParse(typed) ? mlflowServer(new URL(typed), env) : undefined;

const folder =
  (placeOf: (dir: string) => TrackingPlace): TrackerRow["open"] =>
  (dir, typed) => {
    if (dir === "") return undefined;
    const stats = statSync(dir, { throwIfNoEntry: false });
    if (stats === undefined || stats.isDirectory()) return placeOf(dir);
    throw inputError(`--track ${typed} takes a folder; ${dir} is a file.`);
  };

const TRACKERS = createRegistry<TrackerRow>({ one: "tracker", many: "Trackers" }, [
  { name: "http", form: "http://HOST:PORT (an MLflow server)", open: server },
  { name: "https", form: "https://HOST (an MLflow server)", open: server },
  { name: "mlflow", form: "mlflow:DIR (MLflow's files)", open: folder(mlflowFiles) },
  {
    name: "wandb-offline",
    form: "wandb-offline:DIR (what wandb sync takes)",
    open: folder(wandbFiles),
  },
]);

/**
 * The place that a `--track` names.
 * @param env where an MLflow server's names, passwords and tokens are looked for
 * @throws inputError with all forms for what names none
 */
export function trackingPlace(typed: string, env: Environment): TrackingPlace {
  const colon = typed.indexOf(":");
  const row = colon < 0 ? undefined : TRACKERS.find(typed.slice(0, colon));
  const place = row?.open(typed.slice(colon + 1), typed, env);
  if (place !== undefined) return place;
  const forms = TRACKERS.rows().map(({ form }) => form);
  throw inputError(
    `--track does not take "${typed}".`,
    `It takes ${forms.slice(0, -1).join(", ")} or ${forms.at(-1)}.`,
  );
}
