import { writeSync } from "node:fs";
import { createRandom } from "../../common/random.js";
import { sizeOf } from "../../common/shapes.js";
import { compile } from "../../compile/program.js";
import type { EngineName, PrecisionName } from "../../compile/types.js";
import { gradientsOf } from "../../learn/learner.js";
import { sgdUpdates } from "../../learn/optimizers.js";
import { batchNormTraining } from "../../nn/batchNormalization.js";
import { conv2d } from "../../nn/convolution/convolution.js";
import { deviceName, isGpu } from "../../runtime/device.js";
import { loadTensorFlow, type Scalar, type Tensor, type Tensor4D, tf, type Variable } from "../../runtime/tf.js";

/** What one process computed. */
export interface Computed {
  readonly gpu: boolean;
  readonly device: string;
  /** In the order of computation. */
  readonly values: Readonly<Record<string, readonly number[]>>;
}

// Run in processes of their own (selfTest.ts): one on the CPU, one for each precision of the device.
const STANDARD_OUTPUT = 1;
const SEED = 10;
const [IMAGES, SIDE, INPUTS, OUTPUTS, KERNEL] = [16, 16, 32, 64, 3];
const SGD = { momentum: 0.9, weightDecay: 5e-4 };

/** A variable of fixed random values with deviation of about `scale`. */
function random(name: string, shape: number[], scale: number): Variable {
  const numbers = createRandom(SEED, name);
  const values = Float32Array.from({ length: sizeOf(shape) }, () => 3.4 * scale * (numbers.uniform() - 0.5));
  return tf.variable(tf.tensor(values, shape), true, name);
}

/** A step of convolution, batch normalisation and SGD, with all that it computes. */
function compute(engine: EngineName, precision: PrecisionName): Computed["values"] {
  const x = random("x", [IMAGES, SIDE, SIDE, INPUTS], 1);
  const filter = random("filter", [KERNEL, KERNEL, INPUTS, OUTPUTS], 0.06);
  const scale = random("scale", [OUTPUTS], 1);
  const offset = random("offset", [OUTPUTS], 1);
  const momentum = random("momentum", filter.shape, 0.06);
  const direction = random("direction", [IMAGES, SIDE, SIDE, OUTPUTS], 1);
  const step = (): Record<string, Tensor> => {
    const { gradients, kept } = gradientsOf(() => {
      const convolved = conv2d(x as unknown as Tensor4D, filter, { stride: 1, padding: 1 });
      const { y, mean, variance } = batchNormTraining(convolved, scale, offset);
      // Of a size that float16 has digits for.
      const loss = tf.div(tf.sum(tf.mul(y, direction)), IMAGES * SIDE) as Scalar;
      return { loss, kept: { convolved, y, mean, variance }, tensors: [loss, convolved, y, mean, variance] };
    }, [x, filter, scale, offset]);
    const [dx, dFilter, dScale, dOffset] = gradients as Tensor[];
    const updates = sgdUpdates([filter], [momentum], [dFilter], tf.scalar(0.05), SGD);
    return {
      "the convolution": kept.convolved,
      "batch normalisation": kept.y,
      "batch normalisation's mean": kept.mean,
      "batch normalisation's variance": kept.variance,
      "the gradient of the convolution's images": dx as Tensor,
      "the gradient of the convolution's filter": dFilter as Tensor,
      "the gradient of batch normalisation's scale": dScale as Tensor,
      "the gradient of batch normalisation's offset": dOffset as Tensor,
      "the updated momentum": updates[0]?.[1] as Tensor,
      "the updated filter": updates[1]?.[1] as Tensor,
    };
  };
  const results = new Map<string, Variable>();
  tf.tidy(() => {
    for (const [name, { shape }] of Object.entries(step())) results.set(name, tf.variable(tf.zeros(shape), false));
  });
  const program = compile(engine, {
    name: "self_test",
    precision,
    entries: {
      step: {
        step: () => Object.entries(step()).map(([name, value]) => [results.get(name) as Variable, value]),
        perStep: {},
        shared: {},
        stepsPerCall: 1,
      },
    },
    variables: { inputs: [x, filter, scale, offset, momentum, direction], results: [...results.values()] },
  });
  for (const group of ["inputs", "results"]) program.push(group);
  program.run("step", {}, 1);
  program.pull("results");
  return Object.fromEntries(Array.from(results, ([name, result]) => [name, [...result.dataSync()]]));
}

// biome-ignore lint/style/noRestrictedGlobals: a program of its own.
const { argv, env } = process;
const [engine, precision] = argv.slice(2) as [EngineName, PrecisionName];
loadTensorFlow({ env, keepPrograms: false, exactFloat32: precision === "float32" });
const computed: Computed = { gpu: isGpu(), device: deviceName(env), values: compute(engine, precision) };
writeSync(STANDARD_OUTPUT, JSON.stringify(computed));
