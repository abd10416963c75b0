import {
  boolAttribute,
  DT,
  intAttribute,
  type NativeAttribute,
  nativeBackend,
  stringAttribute,
  typeAttribute,
} from "../runtime/native.js";
import { type Tensor, type Tensor4D, tf } from "../runtime/tf.js";
import { defineOp, type Settings } from "./kernels.js";

/** Geometry of a convolution; padding is the same on all four sides, as PyTorch pads. */
export interface ConvolutionGeometry {
  readonly stride: number;
  readonly padding: number;
}

type DenseSettings = ConvolutionGeometry & { readonly kernelSize: number };

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
  /** Gradients that are faster here than the native ops; undefined where there are none. */
  readonly gradients?: (settings: Settings) => ConvolutionGradients | undefined;
}

/** The two gradients of a convolution, each with the shape of what it is the gradient of. */
interface ConvolutionGradients {
  readonly input: (filter: Tensor, dy: Tensor, settings: Settings, shape: number[]) => Tensor;
  readonly filter: (x: Tensor, dy: Tensor, settings: Settings, shape: number[]) => Tensor;
}

function defineConvolution(kind: ConvolutionKind) {
  const call = (op: string, inputs: Tensor[], settings: Settings): Tensor =>
    nativeBackend().executeSingleOutput(op, kind.attributes(settings), inputs);
  const nativeGradients: ConvolutionGradients = {
    input: (filter, dy, settings, shape) =>
      call(kind.inputGradient, [shapeTensor(shape), filter, dy], settings),
    filter: (x, dy, settings, shape) =>
      call(kind.filterGradient, [x, shapeTensor(shape), dy], settings),
  };
  const gradients = (settings: Settings) => kind.gradients?.(settings) ?? nativeGradients;
  return defineOp({
    name: kind.kernel,
    inputs: ["x", "filter"],
    forward: (inputs, settings) => [call(kind.forward, inputs, settings)],
    save: { inputs: ["x", "filter"], outputs: [] },
    gradient: (dy, saved, settings) => {
      const [x, filter] = saved as [Tensor, Tensor];
      const { input: ofInput, filter: ofFilter } = gradients(settings);
      return {
        x: () => ofInput(filter, dy, settings, x.shape),
        filter: () => ofFilter(x, dy, settings, filter.shape),
      };
    },
  });
}

/** Conv2D itself, without a gradient. */
const plainConv2d = (x: Tensor, filter: Tensor, settings: DenseSettings): Tensor =>
  nativeBackend().executeSingleOutput("Conv2D", denseAttributes({ ...settings }), [x, filter]);

/**
 * On a processor TensorFlow's kernels for both gradients of a 3x3 convolution take up to twice its own time and
 * more (docs/performance.md), and both gradients are convolutions themselves, if height and width are kept:
 * - of the input: dy with the filter turned by 180 degrees and its channels exchanged;
 * - of the filter: x with dy as one large filter, over the batch in place of the input channels.
 */
const forwardGradients: ConvolutionGradients = {
  input: (filter, dy, settings) => {
    const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
    return plainConv2d(dy, turned, settings as unknown as DenseSettings);
  },
  filter: (x, dy, settings) => {
    const { padding } = settings as unknown as DenseSettings;
    const images = tf.transpose(x, [3, 1, 2, 0]);
    const filter = tf.transpose(dy, [1, 2, 0, 3]);
    // kernelSize 0: the padding is explicit, whatever the height of the images.
    return tf.transpose(
      plainConv2d(images, filter, { stride: 1, padding, kernelSize: 0 }),
      [1, 2, 0, 3],
    );
  },
};

/** Not on a GPU, where cuDNN has kernels of its own; nor for 1x1 filters, which are matrix products already. */
function fasterGradients(settings: Settings): ConvolutionGradients | undefined {
  const dense = settings as unknown as DenseSettings;
  const helps = !nativeBackend().isUsingGpuDevice && dense.kernelSize > 1 && isSame(dense);
  return helps ? forwardGradients : undefined;
}

const denseConvolution = defineConvolution({
  kernel: "PefdConv2D",
  forward: "Conv2D",
  inputGradient: "Conv2DBackpropInput",
  filterGradient: "Conv2DBackpropFilter",
  attributes: denseAttributes,
  gradients: fasterGradients,
});

const depthwiseConvolution = defineConvolution({
  kernel: "PefdDepthwiseConv2D",
  forward: "DepthwiseConv2dNative",
  inputGradient: "DepthwiseConv2dNativeBackpropInput",
  filterGradient: "DepthwiseConv2dNativeBackpropFilter",
  attributes: geometryAttributes,
});

const withKernelSize = (geometry: ConvolutionGeometry, filter: Tensor): Settings => ({
  ...geometry,
  kernelSize: filter.shape[0] as number,
});

/**
 * torch.nn.functional.conv2d without bias.
 * @param x [N, H, W, I]
 * @param filter [kernel, kernel, I, O]
 * @returns [N, H', W', O]
 */
export const conv2d = (x: Tensor4D, filter: Tensor, geometry: ConvolutionGeometry): Tensor4D =>
  denseConvolution([x, filter], withKernelSize(geometry, filter))[0] as Tensor4D;

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
): Tensor4D => depthwiseConvolution([x, filter], withKernelSize(geometry, filter))[0] as Tensor4D;
