import type { DataDocument, FedSteps, Reading } from "../../bench/data/types.js";

const digits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);

function stepLines({ what, engine, precision, ...times }: FedSteps, batchSize: number): string[] {
  const { stepMs, waitingMs, waitingMsMax, imagesPerSecond, limit } = times;
  const verdict =
    limit === "data"
      ? "The data are the limit: steps wait for images. More --num_workers on more cores help, and packed or smaller files."
      : "The steps are the limit: images are there when they are wanted.";
  return [
    "",
    `${what}: ${engine}, ${precision}, batch ${batchSize}`,
    `  a step takes   ${digits(stepMs)} ms, that is ${digits(imagesPerSecond)} images/s`,
    `  of that it waits ${digits(waitingMs)} ms for its images, ${digits(waitingMsMax)} ms at most`,
    verdict,
  ];
}

function readingLines({ imagesPerProcessorSecond, ...times }: Reading, repeats: number): string[] {
  const { imagesPerSecond, imagesPerSecondMin, imagesPerSecondMax } = times;
  const span = `${digits(imagesPerSecondMin)}-${digits(imagesPerSecondMax)}`;
  return [
    "Reading, decoding and training's transform, without steps",
    `  ${digits(imagesPerSecond)} images/s (${span} in ${repeats} repeats)`,
    `  ${digits(imagesPerProcessorSecond)} images per second of one processor`,
  ];
}

/** The result for people. */
export const dataBenchText = (document: DataDocument): string =>
  [
    `${document.device}, TensorFlow ${document.tensorflow}`,
    `${document.data} (${document.dataset}), ${document.images} training images, --num_workers ${document.workers}`,
    "",
    ...readingLines(document.reading, document.repeats),
    ...(document.steps ? stepLines(document.steps, document.batchSize) : []),
  ].join("\n");
