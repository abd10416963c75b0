/** Random crop with zero padding, and random horizontal flip. */
export interface Shift {
  readonly kind: "shift";
  /** Pixels of zeros on each side. */
  readonly padding: number;
}

/** Random rotation about the center with zero fill, and random horizontal flip. */
export interface Rotation {
  readonly kind: "rotation";
  /** Most degrees each way. */
  readonly degrees: number;
}

/** Random resized crop, and random horizontal flip. */
export interface ResizedCrop {
  readonly kind: "resized crop";
  /** Least and largest share of the image's area. */
  readonly scale: readonly [number, number];
  /** Least and largest width over height. */
  readonly ratio: readonly [number, number];
}

/** Resize of the short side and center crop, for evaluation. */
export interface CenterCrop {
  /** Pixels of the short side. */
  readonly resize: number;
  /** Side of the square that is cut out, at most `resize`. */
  readonly crop: number;
}

/** Training augmentation, before normalization. */
export type Augmentation = Shift | Rotation | ResizedCrop;

/** The shift augmentation. @throws Error for others, a defect of the program */
export function shiftOf(augmentation: Augmentation): Shift {
  if (augmentation.kind === "shift") return augmentation;
  throw new Error(`Images are shifted here, not shown by a ${augmentation.kind}.`);
}

/** Crop offsets along each axis: 0 to 2 * padding; the middle one is no shift. */
export const cropOffsets = ({ padding }: Shift): number => 2 * padding + 1;

/** Ways in which shifts show an image: every crop, flipped or not. */
export const shiftVariants = (shift: Shift): number => 2 * cropOffsets(shift) ** 2;

/** Ways in which training can show an image; undefined where no two are the same, so that none is worth keeping. */
export const variantsOf = (augmentation: Augmentation): number | undefined =>
  augmentation.kind === "shift" ? shiftVariants(augmentation) : undefined;
