import { inputError } from "../common/errors.js";
import { gelu } from "../nn/activation.js";
import { attention } from "../nn/attention.js";
import { addVariable, type ModelBuilder } from "../nn/builder.js";
import { constant, type Initialization, normal } from "../nn/initialization.js";
import { layerNorm } from "../nn/layerNormalization.js";
import { convolution, linear } from "../nn/layers.js";
import { type ModelOutput, plainMap } from "../nn/model.js";
import { reshapeRest, tokenPart, withRoom } from "../nn/tokens.js";
import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../runtime/tf.js";
import type { Architecture } from "./types.js";

/** timm cuts its normal distribution at +-2, a hundred deviations: never. */
export const transformerInitialization: Initialization = {
  "linear.weight": normal(0.02),
  "linear.bias": constant(0),
  cls_token: normal(1e-6),
  dist_token: normal(0.02),
  pos_embed: normal(0.02),
};

const EPSILON = 1e-6;
const MLP_RATIO = 4;
const DEPTH = 12;

/** The parts of a network that distillation looks at, as in OFA-KD (Hao et al., NeurIPS 2023): a quarter of the blocks each. */
const PARTS = 4;

export interface VisionTransformerSize {
  readonly channels: number;
  readonly heads: number;
  readonly patch: number;
  /** With a distillation token and its head (Touvron et al., DeiT, section 4). */
  readonly distilled?: boolean;
}

/** Two linear layers with a GELU between them. @returns a layer of [rows, channels] */
export function perceptron(builder: ModelBuilder, name: string, channels: number, hidden: number) {
  const wide = linear(builder, `${name}.fc1`, channels, hidden);
  const narrow = linear(builder, `${name}.fc2`, hidden, channels);
  return (x: Tensor2D): Tensor2D => narrow(gelu(wide(x)));
}

/** Patches of images as tokens: a convolution whose stride is its kernel. @returns a layer to [N, H / p, W / p, C] */
export const patchEmbedding = (builder: ModelBuilder, channels: number, patch: number) =>
  convolution(builder, "patch_embed.proj", {
    inputs: 3,
    outputs: channels,
    kernel: patch,
    stride: patch,
    padding: 0,
    bias: true,
  });

const mean = (a: Tensor2D, b: Tensor2D): Tensor2D => tf.mul(tf.add(a, b), 0.5);

function block(builder: ModelBuilder, name: string, { channels, heads }: VisionTransformerSize) {
  const before = layerNorm(builder, `${name}.norm1`, channels, EPSILON);
  const attend = attention(builder, `${name}.attn`, { channels, heads });
  const between = layerNorm(builder, `${name}.norm2`, channels, EPSILON);
  const mlp = perceptron(builder, `${name}.mlp`, channels, MLP_RATIO * channels);
  return (x: Tensor2D, length: number): Tensor2D => {
    const attended: Tensor2D = tf.add(x, attend(before(x), length));
    return tf.add(attended, mlp(between(attended)));
  };
}

/** Tokens before the patches': the class token, and the distillation token. */
const prefixesOf = ({ distilled }: VisionTransformerSize): number => (distilled ? 2 : 1);

/** Patches of images as tokens, after the class token and the distillation token, with their positions. */
function embedding(builder: ModelBuilder, size: VisionTransformerSize, side: number) {
  const { channels, patch, distilled } = size;
  const [prefixes, patches] = [prefixesOf(size), side * side];
  const token = (role: "cls_token" | "dist_token" | "pos_embed", length: number): Tensor =>
    addVariable(builder, { name: role, role, shape: [1, length, channels], fanIn: channels });
  const first = [token("cls_token", 1)];
  const positions = token("pos_embed", prefixes + patches);
  if (distilled) first.push(token("dist_token", 1));
  const embed = patchEmbedding(builder, channels, patch);
  return (images: Tensor4D): { readonly stem: Tensor4D; readonly tokens: Tensor } => {
    const stem = embed(images);
    const ofPatches = reshapeRest(stem, [patches, channels]);
    // The first tokens are the same for all images: added with the positions, they need no copies.
    const same = tf.add(positions, withRoom(tf.concat(first, 1), 0, patches));
    return { stem, tokens: tf.add(withRoom(ofPatches, prefixes, 0), same) };
  };
}

/**
 * ViT (Dosovitskiy et al., ICLR 2021) and DeiT (Touvron et al., ICML 2021) with timm's names: 12 blocks, normalised before
 * attention and MLP. The class token's vector is the pooled one, with a distillation token the mean of both. Maps are
 * the tokens of the patches after each quarter of the blocks.
 */
export const visionTransformer =
  (size: VisionTransformerSize): Architecture =>
  (builder, numClasses, imageSize) => {
    const { channels, patch, distilled } = size;
    const side = imageSize / patch;
    if (!Number.isInteger(side)) {
      throw inputError(
        `Images of ${imageSize}x${imageSize} cannot be cut into patches of ${patch}x${patch}.`,
        `Give an --image_size that is a multiple of ${patch}, or another model.`,
      );
    }
    const prefixes = prefixesOf(size);
    const embed = embedding(builder, size, side);
    const blocks = Array.from({ length: DEPTH }, (_, i) => block(builder, `blocks.${i}`, size));
    const norm = layerNorm(builder, "norm", channels, EPSILON);
    const head = linear(builder, "head", channels, numClasses);
    const teacherHead = distilled && linear(builder, "head_dist", channels, numClasses);

    const forward = (images: Tensor4D): ModelOutput => {
      const { stem, tokens } = embed(images);
      const length = tokens.shape[1] as number;
      const part = (x: Tensor2D, from: number, count: number): Tensor =>
        tokenPart(reshapeRest(x, [length, channels]), from, count);
      const vector = (x: Tensor2D, at: number): Tensor2D => norm(reshapeRest(part(x, at, 1), [channels]));
      const maps: Tensor4D[] = [];
      let x: Tensor2D = reshapeRest(tokens, [channels]);
      for (const [i, layer] of blocks.entries()) {
        x = layer(x, length);
        const isEnd = (i + 1) % (DEPTH / PARTS) === 0;
        if (isEnd) maps.push(reshapeRest(part(x, prefixes, side * side), [side, side, channels]));
      }
      const features = { stem: plainMap(stem), maps: maps.map(plainMap) };
      const pooled = vector(x, 0);
      const logits = head(pooled);
      if (!teacherHead) return { ...features, pooled, logits };
      const ofTeacher = vector(x, 1);
      const heads = { labels: logits, teacher: teacherHead(ofTeacher) };
      return { ...features, heads, pooled: mean(pooled, ofTeacher), logits: mean(heads.labels, heads.teacher) };
    };
    return { featureSize: channels, forward };
  };
