import { deepStrictEqual, ok } from "node:assert/strict";
import type { EngineName } from "../compile/types.js";
import { type ImagesInMemory, inMemory } from "../data/dataset.js";
import { DATASETS } from "../data/registry.js";
import { epochPlan, PLAN_COLUMNS } from "../data/sampler.js";
import { learnerVariables, trainedVariables } from "../learn/learner.js";
import type { Plugin } from "../plugin/define.js";
import { tf } from "../runtime/tf.js";
import { openTrainingSession } from "../train/session.js";
import { streamedSource } from "../train/source.js";
import {
  BATCH,
  noiseImages,
  PAIR,
  type Pupil,
  sideOf,
  studentPupil,
  supervisedPupil,
  type TestedPair,
  use,
} from "./scene.js";

const EPOCHS = 2;
/** Some losses diverge on random weights at usual rates. */
const LEARNING_RATE = 0.002;

/** Losses, and all trained state as bytes. */
interface Trace {
  readonly losses: readonly number[];
  readonly names: readonly string[];
  readonly bytes: readonly Buffer[];
}

function trace(engine: EngineName, { learner, constants }: Pupil, set: ImagesInMemory): Trace {
  const source = streamedSource(set);
  const session = openTrainingSession({
    engine,
    precision: "float32",
    learner,
    constants,
    batchSize: BATCH,
    train: source,
    test: source,
    sgd: { momentum: 0.9, weightDecay: 5e-4 },
  });
  const losses: number[] = [];
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    const plan = epochPlan(1, epoch, set.count, set.augmentation);
    const batch = BATCH * PLAN_COLUMNS;
    const left = learner.wholeBatches ? plan.length % batch : 0;
    for (let from = 0; from < plan.length - left; from += batch) {
      session.restart([]);
      const place = { learningRate: LEARNING_RATE, epoch, step: 1 + from / batch };
      session.train(plan.subarray(from, from + batch), place);
      losses.push(session.metrics().loss);
    }
  }
  session.pull();
  const variables = trainedVariables(learner);
  const bytes = variables.map((variable) => {
    const { buffer, byteOffset, byteLength } = variable.dataSync() as Float32Array;
    return Buffer.from(buffer.slice(byteOffset, byteOffset + byteLength));
  });
  const names = variables.map(({ name }) => name.replace(/^[^/]*\//, ""));
  session.dispose();
  tf.dispose([...learnerVariables(learner), ...constants]);
  return { losses, names, bytes };
}

/** Trains eagerly and as a graph. @throws AssertionError unless bit-identical */
function sameBytes(create: () => Pupil, set: ImagesInMemory): void {
  const [eager, graph] = [trace("eager", create(), set), trace("graph", create(), set)];
  ok(eager.losses.every(Number.isFinite), `the losses are ${eager.losses.join(", ")}`);
  ok(new Set(eager.losses).size > 1, `the loss stays ${eager.losses[0]}`);
  deepStrictEqual(graph.losses, eager.losses, "the losses of graph and eager differ");
  const other = eager.names.filter((_, i) => !eager.bytes[i]?.equals(graph.bytes[i] as Buffer));
  deepStrictEqual(other, [], "graph and eager leave other bytes");
}

/** Full batches, and a partial one. */
const IMAGES = 2 * BATCH + 2;

/**
 * Compares some steps of a method in the graph and eager engines: losses and bytes of weights, momentum buffers and
 * statistics. On a CPU they are equal for any TensorFlow.js ops.
 * @param plugin a plug-in's default export
 * @param pair models of the registry or the plug-in
 * @throws AssertionError where they differ; inputError where the method does not fit the pair
 */
export async function checkMethodEngines(plugin: Plugin, name: string, pair: TestedPair = PAIR): Promise<void> {
  use(plugin);
  const set = noiseImages(IMAGES, sideOf(pair.student), 1);
  sameBytes(() => studentPupil(name, pair, set.labels), set);
}

/** checkMethodEngines for a model trained on labels. */
export async function checkModelEngines(plugin: Plugin, name: string): Promise<void> {
  use(plugin);
  sameBytes(() => supervisedPupil(name), noiseImages(IMAGES, sideOf(name), 1));
}

/**
 * checkMethodEngines for a model trained on a data set's first images.
 * @param folder as --data; the data set's default if omitted
 * @param model for images of that size
 */
export async function checkDatasetEngines(
  plugin: Plugin,
  name: string,
  folder?: string,
  model = "resnet8",
): Promise<void> {
  use(plugin);
  const row = DATASETS.row(name);
  const place = folder ?? String(row.defaults.data ?? ".");
  const { train, numClasses } = await row.open(place, { limitTrain: IMAGES });
  sameBytes(() => supervisedPupil(model, numClasses), inMemory(train));
}
