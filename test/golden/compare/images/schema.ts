import { z } from "zod";

const colours = z.tuple([z.number(), z.number(), z.number()]);

/** What one view of an image holds. */
const shown = z.object({
  sha256: z.string(),
  mean: colours,
  probes: z.array(colours),
  normalized_probes: z.array(colours),
});

const crop = shown.extend({
  top: z.int(),
  left: z.int(),
  height: z.int().positive(),
  width: z.int().positive(),
  flip: z.boolean(),
});

const image = z.object({
  file: z.string(),
  sha256: z.string(),
  mode: z.string(),
  width: z.int().positive(),
  height: z.int().positive(),
  pixels_sha256: z.string(),
  resized: z.tuple([z.int(), z.int()]),
  eval: shown,
  crops: z.array(crop),
});

const draws = z.object({
  width: z.int(),
  height: z.int(),
  draws: z.int().positive(),
  mean_area: z.number(),
  area_quantiles_5_25_50_75_95: z.array(z.number()),
  mean_log_ratio: z.number(),
  ratio_quantiles_5_25_50_75_95: z.array(z.number()),
  mean_top: z.number(),
  mean_left: z.number(),
});

/** images.json: torchvision's transforms of image files that lie in ../images beside the golden folder. */
export const imagesSchema = z.object({
  mean: colours,
  deviation: colours,
  probe_positions: z.array(z.tuple([z.int(), z.int()])),
  random_resized_crop: z.array(draws),
  images: z.array(image),
  odd: z.array(image),
});

export type ImagesGolden = z.infer<typeof imagesSchema>;
export type GoldenImage = z.infer<typeof image>;
export type GoldenView = z.infer<typeof shown>;
export type GoldenDraws = z.infer<typeof draws>;
