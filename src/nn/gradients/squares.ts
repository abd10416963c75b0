import { boolAttribute, DT, nativeBackend, typeAttribute } from "../../runtime/native.js";
import { type Scalar, type Tensor, tf } from "../../runtime/tf.js";
import { defineOp } from "../defineOp.js";

/** Which axes are summed over. */
interface SumSettings {
  readonly axes: readonly number[];
}

const float = () => typeAttribute("T", DT.float);
const sumAttributes = () => [
  boolAttribute("keep_dims", true),
  float(),
  typeAttribute("Tidx", DT.int32),
];

/**
 * tfjs's own gradient makes a tensor of ones as large as x, which lies in a recorded graph as a constant, and goes over x
 * five times.
 */
const sumOfSquaresOp = defineOp({
  name: "sumOfSquares",
  inputs: ["x"],
  outputs: ["y"],
  saved: ["x"],
  forward: ({ x }, { axes }: SumSettings) => {
    const backend = nativeBackend();
    const squares = backend.executeSingleOutput("Square", [float()], [x]);
    const over = tf.tensor1d([...axes], "int32");
    return [backend.executeSingleOutput("Sum", sumAttributes(), [squares, over])];
  },
  gradient: (dy, { x }) => ({ x: () => tf.mul(x, tf.mul(dy, 2)) }),
});

/**
 * Sums of squares along some axes, which stay as axes of size one.
 * @param axes from 0, or from the end if negative
 */
export const sumOfSquares = (x: Tensor, ...axes: readonly number[]): Tensor =>
  sumOfSquaresOp({ x }, { axes: axes.map((axis) => (axis < 0 ? axis + x.rank : axis)) }).y;

/** The mean of squares over all elements. */
export function meanSquare(x: Tensor): Scalar {
  const sum = sumOfSquares(x, ...x.shape.map((_, axis) => axis));
  return tf.div(tf.reshape(sum, []), x.size);
}

/** torch.nn.functional.mse_loss: the mean of (x - y)^2 over all elements of two tensors of one shape. */
export const meanSquaredError = (x: Tensor, y: Tensor): Scalar => meanSquare(tf.sub(x, y));
