import {
  DT,
  intAttribute,
  type NativeAttribute,
  nativeBackend,
  stringAttribute,
  typeAttribute,
} from "#pefd/runtime/native.js";
import { type Tensor, tf } from "#pefd/runtime/tf.js";

/** Attributes of a convolution. */
export interface Geometry {
  readonly strides?: number[];
  readonly padding?: string;
  readonly pads?: number[];
  readonly dilations?: number[];
  readonly format?: string;
}

const listOf = (name: string, values: number[] | undefined): NativeAttribute[] =>
  values === undefined ? [] : [intAttribute(name, values)];

/** Runs one of our convolutions, 3x3 with stride 1 by default. */
export const convolution = (op: string, inputs: Tensor[], geometry: Geometry = {}): Tensor =>
  nativeBackend().executeSingleOutput(
    op,
    [
      typeAttribute("T", DT.float),
      intAttribute("strides", geometry.strides ?? [1, 1, 1, 1]),
      stringAttribute("padding", geometry.padding ?? "SAME"),
      stringAttribute("data_format", geometry.format ?? "NHWC"),
      ...listOf("explicit_paddings", geometry.pads),
      ...listOf("dilations", geometry.dilations),
    ],
    inputs,
  );

/** Runs a program of our elementwise op. */
export const elementwise = (program: number[], registers: number[], operands: Tensor[]): Tensor[] =>
  nativeBackend().executeMultipleOutputs(
    "PefdElementwise",
    [
      typeAttribute("T", DT.float),
      intAttribute("N", operands.length),
      intAttribute("M", Math.max(1, registers.length)),
      intAttribute("program", program),
      intAttribute("registers", registers),
    ],
    operands,
    Math.max(1, registers.length),
  );

/** Seeded random numbers. */
export const random = (shape: number[], seed = 1): Tensor => tf.randomNormal(shape, 0, 1, "float32", seed);

export const sizes = (shape: number[]): Tensor => tf.tensor1d(shape, "int32");
