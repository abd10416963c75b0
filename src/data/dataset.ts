/** Images and labels in host memory, in the order of the file (or of the chosen subset). */
export interface ImageSet {
  /** [count, 32, 32, 3], one byte per value, red, green and blue interleaved. */
  readonly images: Uint8Array;
  /** [count], the fine label of each image, 0 to 99. */
  readonly labels: Uint8Array;
  readonly count: number;
  /** [count], the place of each image in its file; left out where the set is the whole file. */
  readonly positions?: Int32Array;
  readonly height: 32;
  readonly width: 32;
  readonly channels: 3;
}

/** A file of images as it was read, whatever part of it a run takes. */
export interface ImageFile {
  readonly images: number;
  readonly sha256: string;
}

/** A data set: `train` comes from the training file only, `test` from the test file only. */
export interface Dataset {
  readonly name: "cifar100";
  readonly numClasses: 100;
  readonly train: ImageSet;
  readonly test: ImageSet;
  /** The files that they come from. */
  readonly trainFile: ImageFile;
  readonly testFile: ImageFile;
  /** The folder that it was read from. */
  readonly directory: string;
}
