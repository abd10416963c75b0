import { existsSync } from "node:fs";
import { toFloat32 } from "../checkpoint/float.js";
import { matchState } from "../checkpoint/match.js";
import { type Checkpoint, readCheckpoint } from "../checkpoint/readCheckpoint.js";
import type { StateDict, StateTensor } from "../common/stateDict.js";
import { refuseStranger } from "../train/files/weightFiles.js";
import { dot, type Matrix, rowAt, zeros } from "./matrix.js";

/** One linear projector: x -> W x + b. */
export interface Projector {
  /** [outputs, inputs] */
  readonly weight: Matrix;
  /** [outputs] */
  readonly bias: Float64Array;
}

/** Where a run keeps the projectors that belong to a checkpoint. */
export const projectorsFile = (checkpoint: string): string =>
  checkpoint.replace(/\.(safetensors|pth|pt)$/, "").concat("_projectors.safetensors");

const weightName = (i: number) => `projectors.${i}.weight`;
/** What an ensemble is made of; a method that adds anything else has projectors of another kind, or none. */
const PROJECTOR_TENSOR = /^projectors\.\d+\.(weight|bias)$/;
const biasName = (i: number) => `projectors.${i}.bias`;

function toProjector(state: StateDict, i: number): Projector {
  const weight = state.get(weightName(i)) as StateTensor;
  const [rows, columns] = weight.shape as [number, number];
  return {
    weight: { rows, columns, values: Float64Array.from(toFloat32(weight)) },
    bias: Float64Array.from(toFloat32(state.get(biasName(i)) as StateTensor)),
  };
}

/**
 * The projectors beside a checkpoint, from the student's features to the teacher's.
 * @param checkpoint the student's file, and what it tells
 * @param inputs size of the student's features
 * @param outputs size of the teacher's features
 * @returns undefined where there are none, they project something else (`kd1proj` projects logits), or the method adds
 * something else than an ensemble
 * @throws inputError for a file that is damaged, lacks tensors, or is of another run or epoch than the checkpoint
 */
export async function readProjectors(
  checkpoint: Pick<Checkpoint, "path" | "metadata">,
  inputs: number,
  outputs: number,
): Promise<readonly Projector[] | undefined> {
  const path = projectorsFile(checkpoint.path);
  if (!existsSync(path)) return undefined;
  const { state, metadata } = await readCheckpoint(path);
  refuseStranger(path, { metadata }, checkpoint);
  if (![...state.keys()].every((name) => PROJECTOR_TENSOR.test(name))) return undefined;
  const [rows, columns] = state.get(weightName(0))?.shape ?? [];
  if (rows !== undefined && (rows !== outputs || columns !== inputs)) return undefined;
  const count = Math.max(1, Math.ceil(state.size / 2));
  const expected = Array.from({ length: count }, (_, i) => [
    { name: weightName(i), shape: [outputs, inputs], isCounter: false },
    { name: biasName(i), shape: [outputs], isCounter: false },
  ]);
  matchState(expected.flat(), state, { path, modelName: "the projectors" });
  return Array.from({ length: count }, (_, i) => toProjector(state, i));
}

/**
 * The ensemble's features: f = 1/P sum_i relu(W_i s + b_i) (PEFD, section 3).
 * @param features [N, inputs]
 * @returns [N, outputs]
 */
export function project(features: Matrix, projectors: readonly Projector[]): Matrix {
  const outputs = projectors[0]?.weight.rows ?? 0;
  const result = zeros(features.rows, outputs);
  for (let i = 0; i < features.rows; i++) {
    const input = rowAt(features, i);
    const output = rowAt(result, i);
    for (const { weight, bias } of projectors) addProjection(output, weight, bias, input);
    for (let j = 0; j < outputs; j++) output[j] = (output[j] as number) / projectors.length;
  }
  return result;
}

/** output += relu(W x + b) */
function addProjection(
  output: Float64Array,
  weight: Matrix,
  bias: Float64Array,
  input: Float64Array,
): void {
  for (let j = 0; j < output.length; j++) {
    const z = dot(rowAt(weight, j), input) + (bias[j] as number);
    output[j] = (output[j] as number) + Math.max(0, z);
  }
}
