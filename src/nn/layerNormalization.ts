import { type Tensor, tf } from "../runtime/tf.js";
import { addVariable, type ModelBuilder } from "./builder.js";
import { defineOp } from "./defineOp.js";
import { reducedAlong, rsqrt, sumOfRows } from "./gradients.js";

const meanOfRow = (x: Tensor): Tensor => reducedAlong("Mean", x, [x.shape.length - 1]);

/** tfjs composes this gradient of some thirty ops. */
const layerNormOp = defineOp({
  name: "layerNorm",
  inputs: ["x", "scale", "offset"],
  outputs: ["y", "normalized", "inverse"],
  saved: ["scale", "normalized", "inverse"],
  forward: ({ x, scale, offset }, { epsilon }: { epsilon: number }) => {
    const centred = tf.sub(x, meanOfRow(x));
    const inverse = rsqrt(tf.add(meanOfRow(tf.square(centred)), epsilon));
    const normalized = tf.mul(centred, inverse);
    return [tf.add(tf.mul(normalized, scale), offset), normalized, inverse];
  },
  gradient: (dy, { scale, normalized, inverse }) => ({
    x: () => {
      const scaled = tf.mul(dy, scale);
      const along = tf.mul(normalized, meanOfRow(tf.mul(scaled, normalized)));
      return tf.mul(inverse, tf.sub(tf.sub(scaled, meanOfRow(scaled)), along));
    },
    scale: () => sumOfRows(tf.mul(dy, normalized)),
    offset: () => sumOfRows(dy),
  }),
});

/** torch.nn.LayerNorm over the last axis, with the biased variance. @returns a layer of [..., channels] */
export function layerNorm(builder: ModelBuilder, name: string, channels: number, epsilon: number) {
  const shape = [channels];
  const scale = addVariable(builder, { name: `${name}.weight`, role: "ln.weight", shape, fanIn: channels });
  const offset = addVariable(builder, { name: `${name}.bias`, role: "ln.bias", shape, fanIn: channels });
  return <T extends Tensor>(x: T): T => layerNormOp({ x, scale, offset }, { epsilon }).y as T;
}
