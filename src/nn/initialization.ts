import { createRandom } from "../common/random.js";
import { sizeOf } from "../common/shapes.js";
import type { Fill, Initializer, TensorDescription } from "./builder.js";
import type { Role } from "./model.js";

const filled = (tensor: TensorDescription, next: () => number): Float32Array => {
  const values = new Float32Array(sizeOf(tensor.shape));
  for (let i = 0; i < values.length; i++) values[i] = next();
  return values;
};

/** All elements the same. */
export const constant =
  (value: number): Initializer =>
  (tensor) =>
    filled(tensor, () => value);

/** Normal with the given standard deviation. */
export const normal =
  (deviation: number): Initializer =>
  (tensor, random) =>
    filled(tensor, () => random.normal() * deviation);

/** torch.nn.init.kaiming_normal_(mode="fan_out", nonlinearity="relu") for [O, I, k, k]. */
export const kaimingNormalFanOut: Initializer = (tensor, random) => {
  const [outputs, , height, width] = tensor.shape as [number, number, number, number];
  return normal(Math.sqrt(2 / (outputs * height * width)))(tensor, random);
};

/** torch.nn.init.kaiming_normal_ with its defaults: by fan in, for a ReLU. */
export const kaimingNormalFanIn: Initializer = (tensor, random) => normal(Math.sqrt(2 / tensor.fanIn))(tensor, random);

/** Uniform within gain / sqrt(fan in). torch.nn.init.kaiming_uniform_(a=1) has a gain of sqrt(3). */
export const uniformWithin =
  (gain: number): Initializer =>
  (tensor, random) => {
    const bound = gain / Math.sqrt(tensor.fanIn);
    return filled(tensor, () => (2 * random.uniform() - 1) * bound);
  };

/** The default of torch.nn.Linear and Conv2d, weights and biases alike: uniform within 1 / sqrt(fan in). */
export const uniformFanIn: Initializer = uniformWithin(1);

/** One initializer per role of a tensor. */
export type Initialization = Readonly<Partial<Record<Role, Initializer>>>;

const DEFAULTS: Readonly<Record<Role, Initializer>> = {
  "conv.weight": uniformFanIn,
  "conv.bias": uniformFanIn,
  "linear.weight": uniformFanIn,
  "linear.bias": uniformFanIn,
  "bn.weight": constant(1),
  "bn.bias": constant(0),
  "bn.running_mean": constant(0),
  "bn.running_var": constant(1),
  "bn.num_batches_tracked": constant(0),
  "ln.weight": constant(1),
  "ln.bias": constant(0),
  cls_token: constant(0),
  dist_token: constant(0),
  pos_embed: constant(0),
  parameter: constant(0),
  buffer: constant(0),
};

/**
 * Random initial values by role, by default PyTorch's. Each tensor of an owner ("student", "teacher", "projectors") has
 * its own stream, so that adding a layer does not change the others' values.
 */
export function randomFill(seed: number, owner: string, initialization: Initialization): Fill {
  const rules = { ...DEFAULTS, ...initialization };
  return (tensor) => {
    const initializer = tensor.initializer ?? rules[tensor.role];
    return initializer(tensor, createRandom(seed, "init", owner, tensor.name));
  };
}
