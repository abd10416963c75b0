import { ownOp } from "../runtime/convolutions.js";
import {
  boolAttribute,
  DT,
  intAttribute,
  type NativeAttribute,
  nativeBackend,
  stringAttribute,
  typeAttribute,
} from "../runtime/native.js";
import { ownOpsServe } from "../runtime/ownOps.js";
import { type Tensor, type Tensor4D, tf } from "../runtime/tf.js";
import { defineOp, type Settings } from "./kernels.js";

/** Geometry of a convolution; padding is the same on all four sides, as PyTorch pads. */
export interface ConvolutionGeometry {
  readonly stride: number;
  readonly padding: number;
}

/** What one convolution's ops are told: its geometry and its filter's [kernel, kernel, inputs, outputs]. */
interface DenseSettings extends ConvolutionGeometry {
  readonly kernelSize: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** Whether a convolution keeps height and width. */
const isSame = ({ stride, padding, kernelSize }: DenseSettings): boolean =>
  stride === 1 && kernelSize === 2 * padding + 1;

/**
 * Explicit padding is PyTorch's meaning for every stride. TensorFlow's SAME pads stride-2 convolutions on the
 * right only, so it serves stride 1 alone, where both agree and SAME has the faster kernels.
 */
function paddingAttributes(settings: DenseSettings): NativeAttribute[] {
  const { padding } = settings;
  if (padding === 0) return [stringAttribute("padding", "VALID"), explicitPaddings([])];
  if (isSame(settings)) {
    return [stringAttribute("padding", "SAME"), explicitPaddings([])];
  }
  const pads = [0, 0, padding, padding, padding, padding, 0, 0];
  return [stringAttribute("padding", "EXPLICIT"), explicitPaddings(pads)];
}

const explicitPaddings = (pads: number[]): NativeAttribute =>
  intAttribute("explicit_paddings", pads);

function geometryAttributes(settings: Settings): NativeAttribute[] {
  const dense = settings as unknown as DenseSettings;
  return [
    typeAttribute("T", DT.float),
    intAttribute("strides", [1, dense.stride, dense.stride, 1]),
    intAttribute("dilations", [1, 1, 1, 1]),
    stringAttribute("data_format", "NHWC"),
    ...paddingAttributes(dense),
  ];
}

/** cuDNN is what TensorFlow uses on a GPU; the attribute exists on Conv2D and its gradients only. */
const denseAttributes = (settings: Settings): NativeAttribute[] => [
  ...geometryAttributes(settings),
  boolAttribute("use_cudnn_on_gpu", true),
];

const shapeTensor = (shape: readonly number[]): Tensor => tf.tensor1d([...shape], "int32");

/** The three native ops of one kind of convolution and their attributes. */
interface ConvolutionKind {
  readonly kernel: string;
  readonly forward: string;
  readonly inputGradient: string;
  readonly filterGradient: string;
  readonly attributes: (settings: Settings) => NativeAttribute[];
}

/** The two gradients of a convolution, each with the shape of what it is the gradient of. */
interface ConvolutionGradients {
  readonly input: (filter: Tensor, dy: Tensor, settings: Settings, shape: number[]) => Tensor;
  readonly filter: (x: Tensor, dy: Tensor, settings: Settings, shape: number[]) => Tensor;
}

type CallConvolution = (op: string, inputs: Tensor[], settings: Settings) => Tensor;

function defineConvolution(kind: ConvolutionKind) {
  const call: CallConvolution = (op, inputs, settings) =>
    nativeBackend().executeSingleOutput(
      isOurs(settings) ? ownOp(op) : op,
      kind.attributes(settings),
      inputs,
    );
  const plain: ConvolutionGradients = {
    input: (filter, dy, settings, shape) =>
      call(kind.inputGradient, [shapeTensor(shape), filter, dy], settings),
    filter: (x, dy, settings, shape) =>
      call(kind.filterGradient, [x, shapeTensor(shape), dy], settings),
  };
  const padded = paddedGradients(call, kind);
  return defineOp({
    name: kind.kernel,
    inputs: ["x", "filter"],
    forward: (inputs, settings) => [call(kind.forward, inputs, settings)],
    save: { inputs: ["x", "filter"], outputs: [] },
    gradient: (dy, saved, settings) => {
      const [x, filter] = saved as [Tensor, Tensor];
      const gradients = isPaddedFirst(settings) ? padded : plain;
      return {
        x: () => gradients.input(filter, dy, settings, x.shape),
        filter: () => gradients.filter(x, dy, settings, filter.shape),
      };
    },
  });
}

/** Zeros in front of and behind the pixels of one axis, as many as the windows reach. */
function zerosAround(
  { stride, padding, kernelSize }: DenseSettings,
  size: number,
  windows: number,
): [before: number, after: number] {
  const reached = (windows - 1) * stride + kernelSize;
  return [padding, Math.max(0, reached - padding - size)];
}

/** Padding of images [N, H, W, I] whose windows are [N, H', W', O]. */
function paddingOf(settings: DenseSettings, images: readonly number[], windows: readonly number[]) {
  const along = (axis: 1 | 2) =>
    zerosAround(settings, images[axis] as number, windows[axis] as number);
  return [[0, 0], along(1), along(2), [0, 0]] as [number, number][];
}

/**
 * oneDNN, whose kernels a processor runs, has none for the gradients of convolutions with explicit padding, and
 * TensorFlow's own take several times as long (docs/adr/0006). The same gradients, of images that were padded
 * before: the input's without its margin, and the filter's as it is.
 */
function paddedGradients(call: CallConvolution, kind: ConvolutionKind): ConvolutionGradients {
  const unpadded = (settings: Settings): Settings => ({ ...settings, padding: 0 });
  return {
    input: (filter, dy, settings, shape) => {
      const sides = paddingOf(settings as unknown as DenseSettings, shape, dy.shape);
      const padded = shape.map((size, axis) => size + sum(sides[axis] as [number, number]));
      const gradient = call(
        kind.inputGradient,
        [shapeTensor(padded), filter, dy],
        unpadded(settings),
      );
      return tf.slice(
        gradient,
        sides.map(([before]) => before),
        shape,
      );
    },
    filter: (x, dy, settings, shape) => {
      const sides = paddingOf(settings as unknown as DenseSettings, x.shape, dy.shape);
      return call(
        kind.filterGradient,
        [tf.pad(x, sides), shapeTensor(shape), dy],
        unpadded(settings),
      );
    },
  };
}

const sum = ([a, b]: readonly [number, number]): number => a + b;

/** Not on a GPU, nor in our own kernels: they take padding as it comes. */
const isPaddedFirst = (settings: Settings): boolean => {
  const dense = settings as unknown as DenseSettings;
  const isTaken = nativeBackend().isUsingGpuDevice || isOurs(settings);
  return !isTaken && dense.padding > 0 && !isSame(dense);
};

/** What our own kernels serve (src/native/kernels.h): channels come in multiples of the last. */
const OWN = { kernels: [1, 3], strides: [1, 2], channels: 16 };

/** Whether our own kernels compute a convolution and its gradients (docs/adr/0007). */
const isOurs = (settings: Settings): boolean => {
  const { kernelSize, stride, padding, inputs, outputs } = settings as unknown as DenseSettings;
  return (
    OWN.kernels.includes(kernelSize) &&
    OWN.strides.includes(stride) &&
    kernelSize === 2 * padding + 1 &&
    inputs % OWN.channels === 0 &&
    outputs % OWN.channels === 0 &&
    ownOpsServe()
  );
};

const denseConvolution = defineConvolution({
  kernel: "PefdConv2D",
  forward: "Conv2D",
  inputGradient: "Conv2DBackpropInput",
  filterGradient: "Conv2DBackpropFilter",
  attributes: denseAttributes,
});

const depthwiseConvolution = defineConvolution({
  kernel: "PefdDepthwiseConv2D",
  forward: "DepthwiseConv2dNative",
  inputGradient: "DepthwiseConv2dNativeBackpropInput",
  filterGradient: "DepthwiseConv2dNativeBackpropFilter",
  attributes: geometryAttributes,
});

const settingsOf = ({ stride, padding }: ConvolutionGeometry, filter: Tensor): Settings => {
  const [kernelSize, , inputs, outputs] = filter.shape as [number, number, number, number];
  return { stride, padding, kernelSize, inputs, outputs } satisfies DenseSettings as Settings;
};

/**
 * torch.nn.functional.conv2d without bias.
 * @param x [N, H, W, I]
 * @param filter [kernel, kernel, I, O]
 * @returns [N, H', W', O]
 */
export const conv2d = (x: Tensor4D, filter: Tensor, geometry: ConvolutionGeometry): Tensor4D =>
  denseConvolution([x, filter], settingsOf(geometry, filter))[0] as Tensor4D;

/**
 * torch.nn.functional.conv2d with groups = channels, without bias.
 * @param x [N, H, W, C]
 * @param filter [kernel, kernel, C, 1]
 * @returns [N, H', W', C]
 */
export const depthwiseConv2d = (
  x: Tensor4D,
  filter: Tensor,
  geometry: ConvolutionGeometry,
): Tensor4D => depthwiseConvolution([x, filter], settingsOf(geometry, filter))[0] as Tensor4D;
