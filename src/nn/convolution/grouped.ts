import { type Tensor, type Tensor4D, tf } from "../../runtime/tf.js";
import { conv2d, ownGroupedConv2d } from "./convolution.js";
import type { ConvolutionGeometry } from "./settings.js";

/** A convolution whose channels are convolved in blocks. */
export interface GroupedGeometry extends ConvolutionGeometry {
  readonly groups: number;
}

/**
 * torch.nn.functional.conv2d with groups, without bias: each block of I channels of x has filters of its own, which
 * make the block of outputs of the same place.
 * @param x [N, H, W, groups * I]
 * @param filter [kernel, kernel, I, O], the filters of the first block first
 * @returns [N, H', W', O]
 */
export function groupedConv2d(
  x: Tensor4D,
  filter: Tensor,
  { groups, ...geometry }: GroupedGeometry,
): Tensor4D {
  return (
    ownGroupedConv2d(x, filter, geometry) ?? convolvedApart(x, filter, { groups, ...geometry })
  );
}

/** The same, block by block. */
function convolvedApart(
  x: Tensor4D,
  filter: Tensor,
  { groups, ...geometry }: GroupedGeometry,
): Tensor4D {
  const blocks = tf.split(x, groups, 3);
  const filters = tf.split(filter, groups, 3);
  return tf.concat(
    blocks.map((block, i) => conv2d(block as Tensor4D, filters[i] as Tensor, geometry)),
    3,
  );
}
