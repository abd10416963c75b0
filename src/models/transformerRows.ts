import type { ModelRow } from "./types.js";
import { transformerInitialization, type VisionTransformerSize, visionTransformer } from "./visionTransformer.js";

const DOSOVITSKIY = "Dosovitskiy et al., An Image Is Worth 16x16 Words, ICLR 2021";
const TOUVRON =
  "Touvron et al., Training Data-Efficient Image Transformers and Distillation through Attention, ICML 2021";

/** Widths and heads by timm's names. */
const SIZES = {
  tiny: { channels: 192, heads: 3 },
  small: { channels: 384, heads: 6 },
  base: { channels: 768, heads: 12 },
} as const;

/** Patches and images: those for small images first, whose names leave out patch 4 and 32 pixels. */
const SCALES = [
  { suffix: "", sizes: ["tiny", "small"], patch: 4 },
  { suffix: "_patch2_32", sizes: ["tiny", "small"], patch: 2 },
  {
    suffix: "_patch16_224",
    sizes: ["tiny", "small", "base"],
    patch: 16,
    imageSize: 224,
    imageSizes: [64, 448],
    numClasses: 1000,
  },
] as const;

const rowsOf = (family: string, paper: string, distilled: boolean): ModelRow[] =>
  SCALES.flatMap(({ suffix, sizes, patch, ...scale }) =>
    sizes.map((name) => {
      const size: VisionTransformerSize = { ...SIZES[name], patch, distilled };
      return {
        name: `${family}_${name}${distilled ? "_distilled" : ""}${suffix}`,
        family,
        paper,
        ...scale,
        patch,
        architecture: visionTransformer(size),
        initialization: transformerInitialization,
        behindMaps: ["norm", "head", "head_dist"],
      };
    }),
  );

export const TRANSFORMER_ROWS: readonly ModelRow[] = [
  ...rowsOf("vit", DOSOVITSKIY, false),
  ...rowsOf("deit", TOUVRON, true),
  ...rowsOf("deit", TOUVRON, false),
];
