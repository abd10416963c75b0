/** A picture of a contact sheet. */
export interface Picture {
  readonly height: number;
  readonly width: number;
  /** A PNG file. */
  readonly png: Uint8Array;
}

/** One image of a data set, with pictures of it. */
export interface SheetRow {
  readonly className: string;
  /** Of its file. */
  readonly name: string;
  readonly height: number;
  readonly width: number;
  /** One for each column. */
  readonly pictures: readonly Picture[];
}

/** Images that are shown in the same ways. */
export interface SheetPart {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly SheetRow[];
}

/** A contact sheet: what a data set's images are, and what a model sees of them. */
export interface Sheet {
  readonly title: string;
  readonly notes: readonly string[];
  readonly parts: readonly SheetPart[];
}

/** Longest side of a picture on paper and screen; small images are shown larger than they are, pixel by pixel. */
export const SIDE = 168;

/** The size that a picture is shown in. */
export function shownSize({ height, width }: Picture): { height: number; width: number } {
  const scale = SIDE / Math.max(height, width);
  return { height: Math.max(1, height * scale), width: Math.max(1, width * scale) };
}

/** Below it, pixels are to be seen. */
const FEW_PIXELS = 100;

/** How a browser is to enlarge a picture. */
export const rendering = ({ height, width }: Picture): "pixelated" | "auto" =>
  Math.max(height, width) < FEW_PIXELS ? "pixelated" : "auto";

/** A picture as an address that holds it whole. */
export const dataAddress = ({ png }: Picture): string =>
  `data:image/png;base64,${Buffer.from(png).toString("base64")}`;

/** What stands beside a row's class: its file and the image's own size. */
export const rowDetail = ({ name, height, width }: SheetRow): string =>
  `${name}, ${width} x ${height}`;
