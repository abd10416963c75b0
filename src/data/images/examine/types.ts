import type { ImagePlaces } from "../places.js";

/** Images that are to be examined: in files, from a place on, or in memory. */
export interface ToExamine {
  /** How sentences name each image. */
  readonly names: readonly string[];
  readonly source: { readonly places: ImagePlaces; readonly first: number } | { readonly files: readonly Uint8Array[] };
  /** The size that all must have, where there is one. */
  readonly size?: { readonly height: number; readonly width: number } | undefined;
}

export interface Examined {
  /** Bytes of its file, and their sha256; none where it cannot be read. */
  readonly bytes: number;
  readonly sha256?: string;
  /** Why it cannot be used. */
  readonly problem?: string;
  readonly warning?: string;
}

/** Decodes images to find those that cannot be used. */
export interface ImageExaminer {
  /** @returns findings in image order, for any number of threads */
  examine(images: ToExamine): Promise<readonly Examined[]>;
}
