import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { withTemporaryFolder } from "../common/files/atomicFolder.js";
import { onnxFile } from "../export/exportOnnx.js";
import { variablesOf } from "../learn/learner.js";
import { surveyModel } from "../models/survey.js";
import { runPython } from "../runtime/python.js";
import { loadTensorFlow, tf } from "../runtime/tf.js";
import { stateDictOf } from "../train/files/stateFiles.js";
import { mediansOf } from "./measure.js";
import { initialised, randomImages } from "./work.js";

const CALIBRATION_IMAGES = 16;

/** Times calls of sessions: a line of JSON [precision, threads, batch, milliseconds], the first with opening. */
const TIME = `
import json, sys, time, numpy, onnxruntime
folder, side, calls, threads, batches = sys.argv[1:]
for precision in ("float32", "int8"):
    for count in json.loads(threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = count
        for batch in json.loads(batches):
            images = numpy.random.default_rng(0).standard_normal((batch, 3, int(side), int(side)), numpy.float32)
            times, session = [], None
            for _ in range(int(calls) + 1):
                start = time.perf_counter()
                session = session or onnxruntime.InferenceSession(f"{folder}/{precision}.onnx", options)
                session.run(["logits"], {"images": images})
                times.append((time.perf_counter() - start) * 1000)
            print(json.dumps([precision, count, batch, times]))
`;

type TimedCalls = [precision: string, threads: number, batch: number, milliseconds: [number, ...number[]]];

interface Predicted {
  readonly student: string;
  readonly imageSize: number | undefined;
  readonly calls: number;
  readonly threads: readonly number[];
  readonly batches: readonly number[];
}

export const predictionName = (student: string, threads: number): string =>
  `predict ${student}, ${threads} thread${threads === 1 ? "" : "s"}`;

/**
 * Times Python's onnxruntime on a model with initial weights, in float32 and in int8.
 * @throws environmentError where Python has no onnxruntime
 */
export function onnxTimings(
  { student, imageSize, calls, threads, batches }: Predicted,
  env: Readonly<Record<string, string | undefined>>,
) {
  loadTensorFlow({ env });
  const { numClasses, imageSize: own } = surveyModel(student);
  const side = imageSize ?? own;
  const model = initialised(student, { numClasses, imageSize: side });
  const source = { path: student, model: student, state: stateDictOf(model.state, 0), metadata: {}, imageSize: side };
  tf.dispose(variablesOf(model.state));
  const images = randomImages(CALIBRATION_IMAGES, 1, { side, classes: numClasses });
  return withTemporaryFolder("bench", (folder) => {
    for (const [precision, calibration] of [
      ["float32", undefined],
      ["int8", images],
    ] as const) {
      const settings = { classes: [], withPreprocessing: false, calibration, version: "" };
      writeFileSync(join(folder, `${precision}.onnx`), onnxFile(source, settings, env));
    }
    const words = [folder, `${side}`, `${calls}`, JSON.stringify(threads), JSON.stringify(batches)];
    const lines = runPython("Timing ONNX", TIME, words, env).trim().split("\n");
    return lines.map((line) => {
      const [precision, count, batchSize, [firstStepMs, ...times]] = JSON.parse(line) as TimedCalls;
      const work = { what: predictionName(student, count), batchSize, steps: 1, images: batchSize };
      const timing = mediansOf({ work, firstStepMs, repeats: times });
      return { ...timing, program: "onnxruntime", engine: "cpu", precision };
    });
  });
}
