/** A shift of the image by up to `padding` pixels each way, zeros coming in, and in half of all cases its mirror image. */
export interface Shift {
  readonly kind: "shift";
  /** Pixels of zeros on each side before the image is cropped to its own size. */
  readonly padding: number;
}

/** A turn of the image about its middle, zeros coming in, and in half of all cases its mirror image. */
export interface Rotation {
  readonly kind: "rotation";
  /** Most degrees each way. */
  readonly degrees: number;
}

/** A part of the image of random size and form, resized, and in half of all cases its mirror image. */
export interface ResizedCrop {
  readonly kind: "resized crop";
  /** Least and largest share of the image's area. */
  readonly scale: readonly [number, number];
  /** Least and largest width over height. */
  readonly ratio: readonly [number, number];
}

/** The middle of an image whose short side is resized: what evaluation shows of images of any size. */
export interface CenterCrop {
  /** Pixels of the short side. */
  readonly resize: number;
  /** Side of the square that is cut out, at most `resize`. */
  readonly crop: number;
}

/** What training does to an image before it is normalised. */
export type Augmentation = Shift | Rotation | ResizedCrop;

/**
 * The shift of images that are shifted.
 * @throws Error for others, which do not come where this is asked (a defect of the program)
 */
export function shiftOf(augmentation: Augmentation): Shift {
  if (augmentation.kind === "shift") return augmentation;
  throw new Error(`Images are shifted here, not shown by a ${augmentation.kind}.`);
}

/** Places along each axis that a shifted image is cropped at: 0 to 2 padding, the middle one being the image as it is. */
export const cropOffsets = ({ padding }: Shift): number => 2 * padding + 1;

/** Ways in which shifts show an image: every crop, mirrored or not. */
export const shiftVariants = (shift: Shift): number => 2 * cropOffsets(shift) ** 2;

/** Ways in which training can show an image; undefined where no two are the same, so that none is worth keeping. */
export const variantsOf = (augmentation: Augmentation): number | undefined =>
  augmentation.kind === "shift" ? shiftVariants(augmentation) : undefined;
