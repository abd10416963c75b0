import { createHash } from "node:crypto";
import { inputError, runError } from "../common/errors.js";
import { integerField, joinFields, messageField, stringField } from "../common/protobuf.js";
import { version } from "../common/version.js";
import { recordOutputs } from "../compile/record/forwardGraph.js";
import type { Entry, Feeds, FeedValues } from "../compile/types.js";
import type { TrainOptions } from "../config/options.js";
import { PLAN_COLUMNS } from "../data/sampler.js";
import { type Computed, computedOn, type Learner, optimizedBy, trainedVariables } from "../learn/learner.js";
import type { Batch } from "../learn/objective.js";
import type { SgdOptions } from "../learn/optimizers.js";
import { rateIn, SCALAR_FEED } from "../learn/recipe.js";
import type { RunProgress } from "../runFiles/stateFile.js";
import {
  boolAttribute,
  DT,
  floatAttribute,
  intAttribute,
  nativeBackend,
  stringAttribute,
  typeAttribute,
} from "../runtime/native.js";
import { type Tensor, type Tensor1D, tf, type Update, type Variable } from "../runtime/tf.js";

/** A process's place among those that train one run together. */
export interface Devices {
  /** From 0; process 0 keeps the run's folder. */
  readonly rank: number;
  readonly size: number;
  /** Of each process's server, by rank: host:port. */
  readonly addresses: readonly string[];
  /** Longest wait for the others at a step, in seconds. */
  readonly timeout: number;
  /** Where a process other than 0 keeps its files, which nobody needs. */
  readonly folder?: string | undefined;
}

/**
 * The options of one process: those of process 0 as they are; others write into a folder of their own.
 * @throws inputError for options that several processes do not have
 */
export function optionsOf<Options extends TrainOptions>(options: Options, devices: Devices | undefined): Options {
  if (devices === undefined) return options;
  if ("teacher_cache" in options && options.teacher_cache) {
    throw inputError(
      "--teacher_cache is for one process: with --devices each would keep the outputs for its own images.",
      "Leave out one of the two.",
    );
  }
  if (devices.rank === 0) return options;
  const own = { save_dir: devices.folder, resume: false, force: true };
  return { ...options, ...own, ...("teacher_eval" in options && { teacher_eval: "never" }) };
}

/** The words of an error about the other processes. */
export const LOST = "Another process of this run stopped answering";

const JOB = "worker";

/** The environment that makes TensorFlow's context a member (native/binding/overrides.h): a ServerDef in hexadecimal. */
export function serverVariables({ rank, addresses }: Devices): Record<string, string> {
  const tasks = addresses.map((address, i) => messageField(2, [integerField(1, i), stringField(2, address)]));
  const leader = `/job:${JOB}/replica:0/task:0`;
  const definition = joinFields([
    messageField(1, [messageField(1, [stringField(1, JOB), ...tasks])]),
    stringField(2, JOB),
    integerField(3, rank),
    messageField(4, [messageField(16, [stringField(1, leader)])]), // ConfigProto.experimental.collective_group_leader
    stringField(5, "grpc"),
  ]);
  return { TF_PEFD_SERVER: Buffer.from(definition).toString("hex") };
}

/** The sum of all processes' vectors [n], by TensorFlow's CollectiveReduceV2. @throws runError when one is gone */
export function sumOver({ size, timeout }: Devices, vector: Tensor, seconds = timeout): Float32Array {
  return tf.tidy(() => {
    const attributes = [
      typeAttribute("T", DT.float),
      stringAttribute("merge_op", "Add"),
      stringAttribute("final_op", "Id"),
      stringAttribute("communication_hint", "auto"),
      floatAttribute("timeout_seconds", seconds),
      boolAttribute("is_stateless", false),
      intAttribute("Nordering_token", 0),
      intAttribute("max_subdivs_per_device", -1),
    ];
    // An instance's key stands for one shape.
    const keys = [size, 1, vector.size].map((key) => tf.scalar(key, "int32"));
    try {
      return nativeBackend()
        .executeSingleOutput("CollectiveReduceV2", attributes, [vector, ...keys])
        .dataSync() as Float32Array;
    } catch (error) {
      const [, reason = ""] = (error as Error).message.match(/Message: (.*)/) ?? [];
      throw Object.assign(runError(`${LOST}: ${reason}`), { cause: error });
    }
  });
}

/** Rows of a process in consecutive batches: of each, those whose number modulo the processes is its rank. */
export function ownRows({ rank, size }: Devices, rows: Int32Array, batchSize: number): Int32Array {
  const own: number[] = [];
  for (let row = 0; row < rows.length / PLAN_COLUMNS; row++) {
    if ((row % batchSize) % size === rank) own.push(...rows.subarray(row * PLAN_COLUMNS, (row + 1) * PLAN_COLUMNS));
  }
  return Int32Array.from(own);
}

const shareOf = (size: number, rank: number, images: number): number => Math.ceil((images - rank) / size);

/** Everything computed as one vector, and how it is read from the sum of all processes' vectors. */
interface Packed {
  readonly vector: Tensor1D;
  read(sum: Tensor1D): Computed;
}

/**
 * Packs what a process found on its share of a batch so that the sum over all is what one would find on the whole:
 * gradients weighted by images, sums without what was there before, the rows of each process beside each other.
 * Running statistics and other state are process 0's, as with PyTorch's DistributedDataParallel.
 */
function packed({ gradients, updates, sums }: Computed, { rank, size }: Devices, images: number): Packed {
  const shares = Array.from({ length: size }, (_, i) => shareOf(size, i, images));
  const own = shares[rank] as number;
  const pieces: Tensor[] = [];
  const kept = <T>(tensor: Tensor, as: (piece: Tensor) => T) => {
    const at = pieces.push(tensor) - 1;
    return (all: readonly Tensor[]): T => as(tf.reshape(all[at] as Tensor, tensor.shape));
  };
  /** A tensor of so many rows for each of this share's images, among zeros in the others' places. */
  const placed = (tensor: Tensor): Tensor => {
    const [rows = 0, ...rest] = tensor.shape;
    const before = shares.slice(0, rank).reduce((sum, share) => sum + (share * rows) / own, 0);
    const after = (rows * images) / own - before - rows;
    return tf.pad(tensor, [[before, after], ...rest.map((): [number, number] => [0, 0])]);
  };
  const ofLeader = (value: Tensor): Tensor => (rank === 0 ? value : tf.zerosLike(value));
  const readGradients = gradients.map((some) =>
    some.map((one) => one && kept(tf.mul(one, own / images), (piece) => piece)),
  );
  const readUpdates = updates.map(([variable, value, rows]) => {
    if (rows === undefined) return kept(ofLeader(value), (piece): Update => [variable, piece]);
    const places = kept(placed(tf.cast(rows, "float32")), (piece) => tf.cast(piece, "int32") as Tensor1D);
    const values = kept(placed(value), (piece) => piece);
    return (all: readonly Tensor[]): Update => [variable, values(all), places(all)];
  });
  const readSums = sums.map(([variable, value]) =>
    kept(rank === 0 ? value : tf.sub(value, variable), (piece): Update => [variable, piece]),
  );
  const sizes = pieces.map((piece) => piece.size);
  return {
    vector: tf.concat1d(pieces.map((piece) => tf.reshape(piece, [-1]) as Tensor1D)),
    read(sum) {
      const all = tf.split(sum, sizes);
      return {
        gradients: readGradients.map((some) => some.map((one) => one?.(all))),
        updates: readUpdates.map((one) => one(all)),
        sums: readSums.map((one) => one(all)),
      };
    },
  };
}

/** A step in two halves with the processes' sum between them. */
export interface SharedStep {
  /** Images of this process; with none it only takes part in the sum. */
  readonly own: number;
  readonly entries: Readonly<Record<string, Entry>>;
  /** What the first half leaves for the sum. */
  readonly vector: Variable;
  /** The second half's feed. */
  sum(): FeedValues;
}

const SUM = "sum";

interface WholeStep {
  /** Of the first half's entry; the second's is `${name}_update`. */
  readonly name: string;
  /** Of all processes. */
  readonly images: number;
  readonly learner: Learner;
  readonly sgd: SgdOptions;
  /** All variables that it reads. */
  readonly reads: readonly Variable[];
  /** An entry for so many images, but for its step. */
  entryOf(images: number): Omit<Entry, "step">;
  batchOf(feeds: Feeds): Batch;
}

/** Splits a step. It is recorded once more than it is compiled, as the vector's length has to be known before. */
export function sharedStep(devices: Devices, step: WholeStep): SharedStep {
  const { name, images, learner, sgd, reads, entryOf, batchOf } = step;
  const own = shareOf(devices.size, devices.rank, images);
  const described = entryOf(Math.max(1, own));
  const compute = (feeds: Feeds): Packed => packed(computedOn(learner, batchOf(feeds)), devices, images);
  let layout: Packed | undefined;
  const measured = recordOutputs(
    name,
    { ...described.perStep, ...described.shared },
    (feeds) => {
      layout = compute(feeds);
      return { [SUM]: layout.vector };
    },
    new Map(reads.map((variable) => [variable, ""])),
  );
  const shape = measured.shapes.get(SUM) as readonly number[];
  const vector = tf.tidy(() => tf.variable(tf.zeros([...shape]), false));
  const { read } = layout as unknown as Packed;
  return {
    own,
    vector,
    sum: () => ({ [SUM]: sumOver(devices, own > 0 ? vector : tf.zerosLike(vector)) }),
    entries: {
      ...(own > 0 && { [name]: { ...described, step: (feeds) => [[vector, compute(feeds).vector]] } }),
      [`${name}_update`]: {
        step: (feeds) => optimizedBy(learner, read(feeds[SUM] as Tensor1D), rateIn(feeds), sgd),
        perStep: {
          [SUM]: { shape: [...shape], dtype: "float32" },
          ...(described.perStep[SCALAR_FEED] && { [SCALAR_FEED]: described.perStep[SCALAR_FEED] }),
        },
        shared: described.shared,
        stepsPerCall: 1,
      },
    },
  };
}

/** Longest wait for the others at the start, in seconds: they read images and compile. */
const START = 600;

/** Places of a run's position before its sums. */
const POSITION = 5;
const MOST_SUMS = 64;

/**
 * Brings every process to the state of process 0, after all have shown that they are of the same run.
 * @param identity what must be equal
 * @returns the progress of process 0
 * @throws runError where a process has another version, options, teacher or images
 */
export function agree(devices: Devices, learner: Learner, progress: RunProgress, identity: unknown): RunProgress {
  const { rank, size } = devices;
  const bytes = [
    ...createHash("sha256")
      .update(JSON.stringify([version(), size, identity]))
      .digest(),
  ];
  // Numbers whose sum and sum of squares are those of so many equal ones are equal.
  const own = [...bytes, ...bytes.map((byte) => byte ** 2)];
  const sums = sumOver(devices, tf.tensor1d(own), START);
  if (own.some((value, i) => sums[i] !== size * value)) {
    throw runError(
      "The processes of this run do not agree: one has another version of pefd, other options, another teacher or other images.",
      "Start all of them with the same command, the same pefd and the same files.",
    );
  }
  const variables = trainedVariables(learner);
  const { epoch, step, steps, best } = progress;
  const position = [epoch, step, steps, best.top1, best.epoch, ...progress.sums];
  const head = Array.from({ length: POSITION + MOST_SUMS }, (_, i) => (rank === 0 ? (position[i] ?? 0) : 0));
  const all = tf.tidy(() => {
    const state = variables.map((variable) => tf.reshape(rank === 0 ? variable : tf.zerosLike(variable), [-1]));
    return sumOver(devices, tf.concat1d([tf.tensor1d(head), ...(state as Tensor1D[])]), START);
  });
  if (rank === 0) return progress;
  let at = head.length;
  for (const variable of variables) {
    tf.tidy(() => variable.assign(tf.tensor(all.subarray(at, at + variable.size), variable.shape)));
    at += variable.size;
  }
  const [doneEpochs = 0, doneStep = 0, doneSteps = 0, top1 = 0, bestEpoch = 0] = all;
  const sumsOfEpoch = doneStep > 0 ? [...all.subarray(POSITION, POSITION + MOST_SUMS)] : [];
  return {
    ...progress,
    epoch: doneEpochs,
    step: doneStep,
    steps: doneSteps,
    best: { top1, epoch: bestEpoch },
    sums: sumsOfEpoch,
  };
}
