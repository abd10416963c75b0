import { statSync } from "node:fs";
import { inputError } from "../../common/errors.js";
import { httpAddress, withoutUser } from "../../common/httpAddress.js";
import { createRegistry } from "../../common/registry.js";
import { mlflowFiles, wandbLive, wandbOffline } from "./clients.js";
import { mlflowServer } from "./mlflowServer.js";
import type { Environment, TrackingPlace } from "./tracker.js";

interface TrackerRow {
  /** Prefix of its `--track` value, before the colon. */
  readonly name: string;
  /** Its `--track` as it is typed, such as mlflow:DIR. */
  readonly form: string;
  /** The tracker named behind the colon of `typed`; undefined where that names none; throws inputError if unusable. */
  open(behind: string, typed: string, env: Environment): TrackingPlace | undefined;
}

const server: TrackerRow["open"] = (_behind, typed, env) => mlflowServer(httpAddress("--track", typed), env);

const folder =
  (placeOf: (dir: string, env: Environment) => TrackingPlace): TrackerRow["open"] =>
  (dir, typed, env) => {
    if (dir === "") return undefined;
    const stats = statSync(dir, { throwIfNoEntry: false });
    if (stats === undefined || stats.isDirectory()) return placeOf(dir, env);
    throw inputError(`--track ${typed} needs a folder; ${dir} is a file.`);
  };

/** A project of W&B, with the team that it belongs to before it where it is not one's own. */
const PROJECT = /^([\w.-]+\/)?[\w. -]{1,128}$/;

const TRACKERS = createRegistry<TrackerRow>({ one: "tracker", many: "Trackers" }, [
  { name: "http", form: "http://HOST:PORT (an MLflow server)", open: server },
  { name: "https", form: "https://HOST (an MLflow server)", open: server },
  { name: "mlflow", form: "mlflow:DIR (MLflow's files)", open: folder(mlflowFiles) },
  {
    name: "wandb",
    form: "wandb:PROJECT (W&B)",
    open: (project, _typed, env) => (PROJECT.test(project) ? wandbLive(project, env) : undefined),
  },
  { name: "wandb-offline", form: "wandb-offline:DIR (for wandb sync)", open: folder(wandbOffline) },
]);

/** The tracker that a `--track` names, not started yet; throws inputError with all forms. `env` has credentials. */
export function trackingPlace(typed: string, env: Environment): TrackingPlace {
  const colon = typed.indexOf(":");
  const row = colon < 0 ? undefined : TRACKERS.find(typed.slice(0, colon));
  const place = row?.open(typed.slice(colon + 1), typed, env);
  if (place !== undefined) return place;
  const forms = TRACKERS.rows().map(({ form }) => form);
  throw inputError(
    `--track does not take "${withoutUser(typed)}".`,
    `Use ${forms.slice(0, -1).join(", ")} or ${forms.at(-1)}.`,
  );
}
