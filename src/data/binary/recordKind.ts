/** A byte before the pixels of a record: what it is called, and how many values it may have. */
export interface LabelByte {
  /** Such as "coarse label". */
  readonly what: string;
  readonly classes: number;
}

/** Records of one size, one image each: label bytes, then all of red, all of green, all of blue, row by row. */
export interface RecordKind {
  /** Side of the square images in pixels. */
  readonly side: number;
  readonly labels: readonly LabelByte[];
  /** Place of the class among the label bytes. */
  readonly own: number;
}

/** Bytes of one image: 3 channels. */
export const imageBytes = ({ side }: Pick<RecordKind, "side">): number => 3 * side * side;

/** Bytes of one record. */
export const recordBytes = (kind: RecordKind): number => kind.labels.length + imageBytes(kind);

/** The byte that is the class. */
export const ownLabel = ({ labels, own }: RecordKind): LabelByte => labels[own] as LabelByte;
