import type { EngineName } from "#pefd/compile/types.js";
import type { Learner, Recipe } from "#pefd/learn/learner.js";
import { learnerVariables, parametersOf, trainedVariables, trainingUpdates, variablesOf } from "#pefd/learn/learner.js";
import { createMetrics } from "#pefd/learn/metrics.js";
import { supervised } from "#pefd/learn/objective.js";
import { createMomentumBuffers } from "#pefd/learn/optimizers.js";
import { SCALAR_COUNT, scalarsOf, scalarValues } from "#pefd/learn/recipe.js";
import { relu } from "#pefd/nn/activation.js";
import { createBuilder } from "#pefd/nn/builder.js";
import { batchNorm, convolution, linear } from "#pefd/nn/layers.js";
import type { ForwardContext, Model } from "#pefd/nn/model.js";
import { globalAveragePool } from "#pefd/nn/pool.js";
import { type Tensor1D, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { openProgram } from "../engines.js";
import { formulaFill } from "../formula.js";
import { imagesFeed } from "../inputs.js";
import type { ImagesInput } from "../schema.js";

const CLASSES = 10;
const WIDTH = 6;
/** Key of the first tensor. */
const KEY = 8300;

/** The network of accumulation.json and averaging.json: a convolution, perhaps with batch norm, and a classifier. */
export function smallNetwork(withNorm: boolean): Model {
  const builder = createBuilder("small", formulaFill(KEY));
  const shape = { inputs: 3, outputs: WIDTH, kernel: 3, stride: 1, padding: 1, bias: !withNorm };
  const conv = convolution(builder, "conv", shape);
  const bn = withNorm ? batchNorm(builder, "bn", WIDTH) : undefined;
  const fc = linear(builder, "fc", WIDTH, CLASSES);
  return {
    name: "small",
    numClasses: CLASSES,
    featureSize: WIDTH,
    imageSize: 8,
    state: builder.state,
    forward(images: Tensor4D, context: ForwardContext) {
      const first = conv(images);
      const out = relu(bn === undefined ? first : bn(first, context));
      const pooled = globalAveragePool(out);
      return { stem: undefined, maps: [], pooled, logits: fc(pooled) };
    },
  } as unknown as Model;
}

export interface SmallRun {
  readonly model: Model;
  readonly learner: Learner;
  /** A step on some of the images. @param due whether it ends an update of so many batches */
  step(from: number, count: number, batches: number, step: number): void;
  end(): void;
}

/** A run of SGD on the network, on the images of a file. @param recipe of a learner without one */
export function smallRun(
  engine: EngineName,
  model: Model,
  input: ImagesInput,
  sizes: readonly number[],
  sgd: { readonly learningRate: number; readonly momentum: number },
  recipeOf: (learner: Learner) => Partial<Recipe>,
): SmallRun {
  const parameters = parametersOf(model.state);
  const plain: Learner = {
    model,
    extra: [],
    parameters,
    momentumBuffers: createMomentumBuffers(parameters),
    metrics: createMetrics(),
    objective: supervised,
  };
  const learner: Learner = { ...plain, recipe: { movesMomentum: false, ...recipeOf(plain) } };
  const [, channels = 3, height = 8, width = 8] = input.shape;
  const entries = Object.fromEntries(
    sizes.map((size) => [
      `train${size}`,
      {
        step: (feeds: Readonly<Record<string, import("#pefd/runtime/tf.js").Tensor>>) =>
          trainingUpdates(
            learner,
            { images: feeds.images as Tensor4D, labels: feeds.labels as Tensor1D },
            scalarsOf(feeds.scalars as Tensor1D),
            { momentum: sgd.momentum, weightDecay: 0 },
          ),
        perStep: {
          images: { shape: [size, height, width, channels], dtype: "float32" as const },
          labels: { shape: [size], dtype: "int32" as const },
          scalars: { shape: [SCALAR_COUNT], dtype: "float32" as const },
        },
        shared: {},
        stepsPerCall: 1,
      },
    ]),
  );
  const program = openProgram(engine, {
    name: "small",
    precision: "float32",
    entries,
    variables: { state: trainedVariables(learner), metrics: Object.values(learner.metrics) },
  });
  for (const group of ["state", "metrics"]) program.push(group);
  const options = {
    momentum: sgd.momentum,
    weight_decay: 0,
    learning_rate: sgd.learningRate,
    lr_decay_epochs: [],
    lr_decay_rate: 1,
  };
  return {
    model,
    learner,
    step(from, count, batches, step) {
      const place = { optimizerFrom: 1, steps: 1000 * batches };
      const scalars = scalarValues({ ...options, grad_accum_steps: batches }, place, 1, step);
      const { values } = imagesFeed({
        ...input,
        shape: [count, channels, height, width],
        from: from * channels * height * width,
      });
      program.run(
        `train${count}`,
        {
          images: values,
          labels: Int32Array.from(input.labels.slice(from, from + count)),
          scalars: Float32Array.from(scalars),
        },
        1,
      );
      for (const group of ["state", "metrics"]) program.pull(group);
    },
    end() {
      program.dispose();
      tf.dispose([...new Set([...learnerVariables(learner), ...variablesOf(model.state)])]);
    },
  };
}
