import {
  boolAttribute,
  DT,
  intAttribute,
  type NativeAttribute,
  stringAttribute,
  typeAttribute,
} from "../../runtime/native.js";

/** Geometry of a convolution; padding is the same on all four sides, as PyTorch pads. */
export interface ConvolutionGeometry {
  readonly stride: number;
  readonly padding: number;
}

/** What one convolution's ops are told: its geometry and its filter's [kernel, kernel, inputs, outputs]. */
export interface ConvolutionSettings extends ConvolutionGeometry {
  readonly kernelSize: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** Whether a convolution keeps height and width. */
export const isSame = ({ stride, padding, kernelSize }: ConvolutionSettings): boolean =>
  stride === 1 && kernelSize === 2 * padding + 1;

const explicitPaddings = (pads: number[]): NativeAttribute =>
  intAttribute("explicit_paddings", pads);

/**
 * Explicit padding is PyTorch's meaning for every stride. TensorFlow's SAME pads stride-2 convolutions on the
 * right only, so it serves stride 1 alone, where both agree and SAME has the faster kernels.
 */
function paddingAttributes(settings: ConvolutionSettings): NativeAttribute[] {
  const { padding } = settings;
  if (padding === 0) return [stringAttribute("padding", "VALID"), explicitPaddings([])];
  if (isSame(settings)) {
    return [stringAttribute("padding", "SAME"), explicitPaddings([])];
  }
  const pads = [0, 0, padding, padding, padding, padding, 0, 0];
  return [stringAttribute("padding", "EXPLICIT"), explicitPaddings(pads)];
}

/** Attributes of TensorFlow's depthwise convolutions. */
export const depthwiseAttributes = (settings: ConvolutionSettings): NativeAttribute[] => [
  typeAttribute("T", DT.float),
  intAttribute("strides", [1, settings.stride, settings.stride, 1]),
  intAttribute("dilations", [1, 1, 1, 1]),
  stringAttribute("data_format", "NHWC"),
  ...paddingAttributes(settings),
];

/** Attributes of Conv2D and its gradients. cuDNN is what TensorFlow uses on a GPU; the others have no attribute for it. */
export const denseAttributes = (settings: ConvolutionSettings): NativeAttribute[] => [
  ...depthwiseAttributes(settings),
  boolAttribute("use_cudnn_on_gpu", true),
];
