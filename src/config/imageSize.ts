import { inputError } from "../common/errors.js";
import { sizedDataset } from "../data/registry.js";
import { MODELS } from "../models/registry.js";
import type { Resolved } from "./resolve.js";

/** Side of the images that models whose row names no other are made for, and those that they can look at. */
const IMAGE_SIDE = 32;
const IMAGE_SIDES = [32, 96] as const;

const rowOf = ({ options }: Resolved) =>
  sizedDataset(options.dataset as string, options.image_size as number | undefined);

/**
 * Without an image size that is the data set's own: it says nothing, so that such a run is the same as one without it.
 * @throws inputError for a size that the data set's images cannot be shown in
 */
export function withoutUsualSize(resolved: Resolved): Resolved {
  const { sized, format } = sizedDataset(resolved.options.dataset as string);
  const row = rowOf(resolved);
  if (sized !== undefined && row.format.height !== format.height) return resolved;
  const { image_size: _, ...ranks } = resolved.ranks;
  return {
    options: { ...resolved.options, image_size: undefined },
    origins: { ...resolved.origins, image_size: "the data set's" },
    ranks,
  };
}

/**
 * Refuses a model made for ImageNet where the images are small, or one for small images where they are large.
 * @throws inputError
 */
export function refuseOtherImages(resolved: Resolved, model: string): void {
  const { name, format, sized } = rowOf(resolved);
  const { imageSize: side = IMAGE_SIDE, imageSizes = IMAGE_SIDES } = MODELS.find(model) ?? {};
  const [least, most] = imageSizes;
  if (format.height >= least && format.height <= most) return;
  const other = sized && ` \`--image_size ${side}\` shows these images in that size.`;
  throw inputError(
    `${model} is made for images of ${side}x${side}; those of ${name} have ${format.height}x${format.width}.`,
    `It takes sides from ${least} to ${most}; \`pefd models\` tells each model's image size.${other ?? ""}`,
  );
}
