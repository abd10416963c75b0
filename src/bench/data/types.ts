/** How fast images are read, decoded and shown as training shows them. */
export interface Reading {
  /** Median, smallest and largest of the repeats. */
  readonly imagesPerSecond: number;
  readonly imagesPerSecondMin: number;
  readonly imagesPerSecondMax: number;
  /** Images per second of one processor's work, all threads together: median. */
  readonly imagesPerProcessorSecond: number;
}

/** How steps and reading go together. */
export interface FedSteps {
  /** What is trained: `distill ours RESNET34 -> RESNET18`. */
  readonly what: string;
  readonly engine: string;
  readonly precision: string;
  /** Medians over the steps, in milliseconds: a whole step, and how long it has waited for its images. */
  readonly stepMs: number;
  readonly waitingMs: number;
  readonly waitingMsMax: number;
  /** Images per second that steps take. */
  readonly imagesPerSecond: number;
  /** What the other one waits for. */
  readonly limit: "data" | "steps";
}

/** The result: `pefd bench --what data --json`. */
export interface DataDocument {
  readonly device: string;
  readonly tensorflow: string;
  readonly dataset: string;
  readonly data: string;
  /** Training images, and threads that read them beside the one that steps run in. */
  readonly images: number;
  readonly workers: number;
  readonly batchSize: number;
  readonly repeats: number;
  readonly reading: Reading;
  /** Where models are named. */
  readonly steps?: FedSteps;
}
