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

/**
 * Explicit padding is PyTorch's meaning for every stride. TensorFlow's SAME pads stride-2 convolutions on the
 * right only, so it serves stride 1 alone, where both agree and SAME has the faster kernels.
 */
function paddingAttributes(geometry: ConvolutionGeometry, kernelSize: number): NativeAttribute[] {
  const { stride, padding } = geometry;
  if (padding === 0) return [stringAttribute("padding", "VALID"), explicitPaddings([])];
  if (stride === 1 && kernelSize === 2 * padding + 1) {
    return [stringAttribute("padding", "SAME"), explicitPaddings([])];
  }
  const pads = [0, 0, padding, padding, padding, padding, 0, 0];
  return [stringAttribute("padding", "EXPLICIT"), explicitPaddings(pads)];
}

const explicitPaddings = (pads: number[]): NativeAttribute =>
  intAttribute("explicit_paddings", pads);

function geometryAttributes(settings: Settings): NativeAttribute[] {
  const geometry = settings as unknown as ConvolutionGeometry & { kernelSize: number };
  return [
    typeAttribute("T", DT.float),
    intAttribute("strides", [1, geometry.stride, geometry.stride, 1]),
    intAttribute("dilations", [1, 1, 1, 1]),
    stringAttribute("data_format", "NHWC"),
    ...paddingAttributes(geometry, geometry.kernelSize),
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

function defineConvolution(kind: ConvolutionKind) {
  const call = (op: string, inputs: Tensor[], settings: Settings): Tensor =>
    nativeBackend().executeSingleOutput(op, kind.attributes(settings), inputs);
  return defineOp({
    name: kind.kernel,
    inputs: ["x", "filter"],
    forward: (inputs, settings) => [call(kind.forward, inputs, settings)],
    save: { inputs: ["x", "filter"], outputs: [] },
    gradient: (dy, [x, filter], settings) => ({
      x: () =>
        call(
          kind.inputGradient,
          [shapeTensor((x as Tensor).shape), filter as Tensor, dy],
          settings,
        ),
      filter: () =>
        call(
          kind.filterGradient,
          [x as Tensor, shapeTensor((filter as Tensor).shape), dy],
          settings,
        ),
    }),
  });
}

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
