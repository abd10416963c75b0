import { permute4, sizeOf } from "#pefd/common/shapes.js";
import type { FeatureShapes } from "#pefd/distill/method.js";
import { createBuilder, type ModelBuilder } from "#pefd/nn/builder.js";
import { batchNorm, linear } from "#pefd/nn/layers.js";
import type { FeatureMap, ModelOutput, StateEntry } from "#pefd/nn/model.js";
import { globalAveragePool } from "#pefd/nn/pool.js";
import type { Tensor, Tensor2D, Tensor4D } from "#pefd/runtime/tf.js";
import { formulaFill, formulaValues, roleValues, signedValue } from "../formula.js";
import type { HostTensor } from "../summary.js";
import { CLASSES, KEYS } from "./keys.js";

/** Shapes of one network's features for one image, [C, H, W] and [C]: stem, maps, pooled vector. */
export type OutputShapes = readonly (readonly number[])[];

/** Keys of the formula for a network's features, logits and classifier. */
interface StandInKeys {
  readonly out: number;
  readonly beforeRelu: number;
  readonly logits: number;
  readonly strongLogits: number;
  readonly classifier: number;
}

/**
 * What stands for a network: the tensors that it gives, by the golden files' names (feat0, preact1, logits, and
 * logitsStrong for the strong view).
 */
export interface StandIn {
  readonly featureShapes: FeatureShapes;
  /** Channels last. */
  readonly tensors: Readonly<Record<string, HostTensor>>;
}

/** NCHW as NHWC. */
export function channelsLast(shape: readonly number[], values: Float32Array): HostTensor {
  if (shape.length !== 4) return { shape, values };
  const [n, c, h, w] = shape as [number, number, number, number];
  return { shape: [n, h, w, c], values: permute4(values, shape, [0, 2, 3, 1]) };
}

/** Tensors of a layer of a stand-in. @param key of the first of them */
function layerState(key: number, make: (builder: ModelBuilder) => unknown): readonly StateEntry[] {
  const builder = createBuilder("standIn", formulaFill(key));
  make(builder);
  return builder.state;
}

const normName = (i: number): string => `norm${i + 1}`;

/** The state of a stand-in: the batch normalisation before each map's ReLU, and its classifier. */
const stateOf = (maps: readonly (readonly number[])[], inputs: number, key: number) => [
  ...maps.flatMap(([, , channels], i) =>
    layerState(KEYS.norms + 10 * (i + 1), (builder) => batchNorm(builder, normName(i), channels as number)),
  ),
  ...layerState(key, (builder) => inputs > 0 && linear(builder, "fc", inputs, CLASSES)),
];

/**
 * A network that gives tensors of the formula, whatever the images. Its state has variables of its own.
 * @param batch images
 */
export function standIn(shapes: OutputShapes, batch: number, keys: StandInKeys): StandIn {
  const tensor = (shape: readonly number[], element: (i: number) => number): HostTensor =>
    channelsLast([batch, ...shape], formulaValues([batch, ...shape], element));
  const named = shapes.flatMap((shape, j): [string, HostTensor][] => {
    const beforeRelu = (i: number) => 2 * signedValue(keys.beforeRelu + j, i);
    const out = (i: number) => Math.max(0, 2 * signedValue(keys.out + j, i));
    const isStage = j > 0 && j < shapes.length - 1;
    return [
      [`feat${j}`, tensor(shape, out)],
      ...(isStage ? [[`preact${j}`, tensor(shape, beforeRelu)] as [string, HostTensor]] : []),
    ];
  });
  const [stem, ...maps] = shapes.slice(0, -1).map(([c, h, w]) => [h, w, c] as number[]);
  const pooled = sizeOf(shapes.at(-1) ?? [0]);
  const logits = (key: number) => tensor([CLASSES], (i) => 4 * signedValue(key, i));
  return {
    featureShapes: {
      stem,
      maps,
      lastMap: maps.at(-1) ?? [],
      norms: maps.map((_, i) => normName(i)),
      pooled,
      state: stateOf(maps, pooled, keys.classifier),
      features: [],
    },
    tensors: {
      ...Object.fromEntries(named),
      logits: logits(keys.logits),
      logitsStrong: logits(keys.strongLogits),
    },
  };
}

/** The mean over height and width of a map [N, H, W, C]. */
function spatialMean({ shape, values }: HostTensor): HostTensor {
  const [batch, height, width, channels] = shape as [number, number, number, number];
  const means = Float64Array.from({ length: batch * channels }, (_, at) => {
    const [n, c] = [Math.floor(at / channels), at % channels];
    let sum = 0;
    for (let i = 0; i < height * width; i++) {
      sum += values[(n * height * width + i) * channels + c] as number;
    }
    return sum / (height * width);
  });
  return { shape: [batch, channels], values: Float32Array.from(means) };
}

/** What a classifier [classes, C] with a bias makes of vectors [N, C]. */
function classified({ shape, values }: HostTensor, key: number): HostTensor {
  const [batch, size] = shape as [number, number];
  const [weight, bias] = [
    roleValues("linear.weight", [CLASSES, size], size, key),
    roleValues("linear.bias", [CLASSES], size, key + 1),
  ];
  const logits = Float64Array.from({ length: batch * CLASSES }, (_, at) => {
    const [n, label] = [Math.floor(at / CLASSES), at % CLASSES];
    let sum = bias[label] as number;
    for (let c = 0; c < size; c++) {
      sum += (values[n * size + c] as number) * (weight[label * size + c] as number);
    }
    return sum;
  });
  return { shape: [batch, CLASSES], values: Float32Array.from(logits) };
}

/** The same whose pooled vector is the mean of its last map, and whose logits are what its classifier makes of that. */
export function standInOfMap(shapes: OutputShapes, batch: number, keys: StandInKeys): StandIn {
  const { featureShapes, tensors } = standIn(shapes, batch, keys);
  const last = shapes.length - 1;
  const pooled = spatialMean(tensors[`feat${last - 1}`] as HostTensor);
  const logits = classified(pooled, keys.classifier);
  return { featureShapes, tensors: { ...tensors, [`feat${last}`]: pooled, logits } };
}

/** A network's output of its tensors by name. @param maps how many maps it has */
export function outputOf(tensors: Readonly<Record<string, Tensor>>, maps: number): ModelOutput {
  const map = (j: number, before = `preact${j}`): FeatureMap => ({
    out: tensors[`feat${j}`] as Tensor4D,
    beforeRelu: (tensors[before] ?? tensors[`feat${j}`]) as Tensor4D,
  });
  return {
    stem: map(0),
    maps: Array.from({ length: maps }, (_, i) => map(i + 1)),
    averaged: map(maps).out,
    // Computed where it is read, on the tape of the gradients.
    get pooled() {
      const pooled = tensors[`feat${maps + 1}`] as Tensor2D | undefined;
      return pooled ?? globalAveragePool(map(maps).out);
    },
    logits: tensors.logits as Tensor2D,
  };
}
