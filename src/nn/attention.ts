import { type Tensor, type Tensor2D, tf } from "../runtime/tf.js";
import type { ModelBuilder } from "./builder.js";
import { defineOp } from "./defineOp.js";
import { reducedAlong } from "./gradients.js";
import { linear } from "./layers.js";
import { reshapeRest } from "./tokens.js";

const alongRows = (op: "Max" | "Sum", x: Tensor): Tensor => reducedAlong(op, x, [x.shape.length - 1]);

const softmaxOp = defineOp({
  name: "softmaxOfRows",
  inputs: ["x"],
  outputs: ["y"],
  saved: ["y"],
  forward({ x }) {
    const exponentials = tf.exp(tf.sub(x, alongRows("Max", x)));
    return [tf.div(exponentials, alongRows("Sum", exponentials))];
  },
  gradient: (dy, { y }) => ({ x: () => tf.mul(tf.sub(dy, alongRows("Sum", tf.mul(dy, y))), y) }),
});

export interface AttentionSize {
  readonly channels: number;
  readonly heads: number;
}

/**
 * Multi-head self-attention (Vaswani et al., Attention Is All You Need, NIPS 2017, section 3.2) as in timm: `qkv` has the
 * rows of q, k and v, each by head, and q is scaled before the product.
 * @returns a layer of tokens [N * L, channels], L of them per image
 */
export function attention(builder: ModelBuilder, name: string, { channels, heads }: AttentionSize) {
  const qkv = linear(builder, `${name}.qkv`, channels, 3 * channels);
  const projection = linear(builder, `${name}.proj`, channels, channels);
  const size = channels / heads;
  return (tokens: Tensor2D, length: number): Tensor2D => {
    const byToken = reshapeRest(qkv(tokens), [length, 3 * heads, size]);
    const parts = tf.split(tf.transpose(byToken, [0, 2, 1, 3]), 3, 1);
    const [q, k, v] = parts.map((part) => reshapeRest(part, [length, size])) as [Tensor, Tensor, Tensor];
    const shares = softmaxOp({ x: tf.matMul(tf.mul(q, 1 / Math.sqrt(size)), k, false, true) }).y;
    const byHead = reshapeRest(tf.matMul(shares, v), [heads, length, size]);
    return projection(reshapeRest(tf.transpose(byHead, [0, 2, 1, 3]), [channels]));
  };
}
