import { areNumbers, toFloat32 } from "../checkpoint/float.js";
import { type PefdError, runError } from "../common/errors.js";
import type { Snapshot } from "./files/snapshot.js";

/** Where in a run something stopped being a number. */
export interface Place {
  readonly runDir: string;
  /** 1-based */
  readonly epoch: number;
  /** Steps of the epoch after which all was well, and the one after which it was not. */
  readonly after?: number;
  readonly step?: number;
  /** Means of the loss's terms, where it has several. */
  readonly terms?: Readonly<Record<string, number>> | undefined;
}

const HINT = "Try a smaller --learning_rate.";

function stepWords({ after = 0, step }: Place): string {
  if (step === undefined) return "";
  return after + 1 === step ? `, step ${step}` : `, in one of its steps ${after + 1} to ${step}`;
}

/** Which terms of the loss went, and which did not. */
function termWords({ terms = {} }: Place): string {
  const gone = Object.keys(terms).filter((name) => !Number.isFinite(terms[name]));
  const kept = Object.keys(terms).filter((name) => Number.isFinite(terms[name]));
  if (gone.length === 0) return "";
  return ` (${gone.join(", ")} went${kept.length === 0 ? "" : ` first, not ${kept.join(", ")}`})`;
}

const diverged = (what: string, place: Place): PefdError =>
  runError(
    `${what} in epoch ${place.epoch}${stepWords(place)}${termWords(place)}; ${place.runDir} keeps what was there before.`,
    HINT,
  );

/**
 * Refuses a loss that is no number, before anything that goes with it is kept.
 * @throws runError with the epoch, the step and the terms of the loss that went
 */
export function refuseDivergedLoss(name: "training" | "test", loss: number, place: Place): void {
  if (!Number.isFinite(loss)) throw diverged(`The ${name} loss became ${loss}`, place);
}

/** The first tensor of a snapshot that holds something else than numbers. */
function divergedTensor({
  model,
  extra,
  teacher,
  velocities,
  parameterNames,
}: Snapshot): string | undefined {
  const all = [
    ...[...model, ...extra, ...teacher].filter(([, { dtype }]) => dtype === "F32"),
    ...Array.from(velocities, ([place, tensor]) => {
      return [`the velocity of ${parameterNames[Number(place)]}`, tensor] as const;
    }),
  ];
  return all.find(([, tensor]) => !areNumbers(toFloat32(tensor)))?.[0];
}

/**
 * Refuses weights, statistics and velocities that are no numbers, before they are kept over those that are.
 * @param snapshot as it would be kept
 * @throws runError with the name of the tensor and the epoch
 */
export function refuseDivergedState(snapshot: Snapshot, place: Place): void {
  const name = divergedTensor(snapshot);
  if (name !== undefined) throw diverged(`${name} is no number any more`, place);
}
