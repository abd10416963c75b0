import { existsSync, readdirSync, statSync } from "node:fs";
import { extname } from "node:path";
import type { Metadata } from "../../checkpoint/metadata.js";
import { isSavedModel } from "../../checkpoint/savedModelFolder.js";
import { inputError } from "../../common/errors.js";
import { mendFolder } from "../../common/files/atomicFolder.js";
import { choice, flag, integer, path, section, type Values } from "../../common/optionRow.js";
import { counted } from "../../common/text.js";
import { version } from "../../common/version.js";
import { DATA_PLACE, DOCUMENT, GENERAL, IMAGE_SIZE } from "../../config/commandOptions.js";
import { datasetIn, imageSizeIn, modelNameOf } from "../../config/modelName.js";
import { resolveSection } from "../../config/resolve.js";
import type { DatasetRow, ImageSet } from "../../data/dataset.js";
import { sizedDataset } from "../../data/registry.js";
import { classesOfState } from "../../models/survey.js";
import type { PredictorFile } from "../../train/files/predictor.js";
import type { Command, Invocation } from "../command.js";
import { modelNameInFile } from "../modelInFile.js";
import { STDOUT } from "../output.js";

const SAVED_MODEL = "savedmodel";

const CONVERSION = section("Conversion", {
  to: choice([SAVED_MODEL], undefined, "Write a TensorFlow SavedModel, whatever OUT is called.", {
    defaultText: "from OUT's extension",
    flagOnly: true,
  }),
  model: choice<string, undefined>("models", undefined, "The model, for a SavedModel or ONNX.", {
    defaultText: "from the checkpoint",
    flagOnly: true,
  }),
  dataset: choice<string, undefined>("datasets", undefined, "Its data set, for a SavedModel or ONNX.", {
    defaultText: "from the checkpoint",
    flagOnly: true,
  }),
  image_size: { ...IMAGE_SIZE, defaultText: "from the checkpoint", flagOnly: true },
  with_preprocessing: flag("Let an ONNX file take uint8 pixels [N, H, W, 3] and give probabilities first.", {
    flagOnly: true,
  }),
  int8: flag("Quantise an ONNX file to int8 after training: a quarter of the size, and faster.", { flagOnly: true }),
  calibrate: integer(512, "Training images that determine the ranges of int8 activations.", {
    min: 1,
    flagOnly: true,
  }),
  data: path(undefined, "The data set's folder, for an ONNX file's class names and for --int8.", {
    valueName: "DIR",
    defaultText: "from the checkpoint's run",
    flagOnly: true,
  }),
  student_alone: flag("Convert only the student, without other modules that its method predicts with.", {
    flagOnly: true,
  }),
  force: flag("Replace an existing file or SavedModel.", { flagOnly: true }),
});

type Conversion = Values<typeof CONVERSION>;

const ONNX_ENDING = ".onnx";
const isOnnx = (to: string, options: Conversion): boolean => extname(to) === ONNX_ENDING && !namesFolder(to, options);

const namesFolder = (path: string, { to }: Conversion): boolean =>
  to === SAVED_MODEL || path.endsWith("/") || extname(path) === "";

function checkFree(to: string, { force }: Conversion, folder: boolean): void {
  if (folder) mendFolder(to);
  if (!existsSync(to)) return;
  const found = statSync(to);
  const isFolder = found.isDirectory();
  // A pipe or a device takes what it is given; nothing is replaced.
  if (!folder && !isFolder && !found.isFile()) return;
  if (folder && isFolder && readdirSync(to).length === 0) return;
  if (!force) {
    throw inputError(`${to} already exists. Nothing was changed.`, "Replace it with --force.");
  }
  if (folder && !isSavedModel(to)) {
    throw inputError(
      `${to} is not a SavedModel; --force does not replace it.`,
      "Give a folder that does not exist yet.",
    );
  }
}

async function modelFor(from: string, { model }: Conversion): Promise<string> {
  const name = model ?? (await modelNameInFile(from)) ?? modelNameOf(from);
  if (name !== undefined) return name;
  throw inputError(
    `The model of ${from} cannot be determined from the file or its folder; a SavedModel or ONNX file needs it.`,
    "Set it with --model, such as --model resnet8x4.",
  );
}

/** Extra modules that the run predicts with, if any; throws inputError if missing, or in the output's way. */
async function predictorFor(
  from: string,
  metadata: Metadata,
  to: string,
  options: Conversion,
): Promise<PredictorFile | undefined> {
  if (options.student_alone || metadata.predictor === undefined) return undefined;
  const { readPredictor } = await import("../../train/files/predictor.js");
  const { takesCompany } = await import("../../export/convertFile.js");
  const found = await readPredictor(from, metadata);
  const alone = "or convert only the student with --student_alone.";
  if (found !== undefined && "missing" in found) {
    throw inputError(
      `The run of ${from} predicts with ${found.missing}, which is missing; without it the student's predictions differ.`,
      `Restore that file, ${alone}`,
    );
  }
  const isInside = namesFolder(to, options) || isOnnx(to, options);
  if (found !== undefined && !isInside && !takesCompany(to)) {
    throw inputError(
      `${found.method} predicts with more than the student, which cannot be stored next to ${to}.`,
      `Give a file name, ${alone}`,
    );
  }
  return found;
}

/** Of the training split, as many of each class as can be. @throws inputError for a folder that cannot be read */
async function trainingImages(row: DatasetRow, folder: string, count: number): Promise<ImageSet> {
  const { train } = await row.open(folder);
  if (count >= train.count) return train;
  return (await row.open(folder, { limitTrain: count })).train;
}

/** Refuses options that belong to ONNX files for another OUT. @throws inputError */
function checkBelongs(to: string, options: Conversion, layers: Invocation["layers"]): void {
  const isGiven = (name: keyof Conversion) => layers.some(({ values }) => values[name] !== undefined);
  const own = (["with_preprocessing", "int8", "calibrate"] as const).filter(isGiven);
  if (own.length > 0 && !isOnnx(to, options)) {
    throw inputError(`--${own[0]} belongs to ONNX files, but ${to} is none.`, "Give OUT the ending .onnx.");
  }
  if (own.includes("calibrate") && !options.int8) {
    throw inputError("--calibrate belongs to --int8, which is missing.", "Add --int8.");
  }
}

async function write(from: string, to: string, options: Conversion, { env, output }: Invocation) {
  const { readCheckpoint } = await import("../../checkpoint/readCheckpoint.js");
  const { path, state, metadata, format } = await readCheckpoint(from);
  const predictor = await predictorFor(from, metadata, to, options);
  const written = { format, tensors: state.size, predictsThrough: predictor?.method };
  if (!namesFolder(to, options) && !isOnnx(to, options)) {
    const { convertFile, predictorBeside } = await import("../../export/convertFile.js");
    if (predictor !== undefined) checkFree(predictorBeside(to), options, false);
    await convertFile(to, { state, metadata }, predictor);
    return written;
  }
  const model = await modelFor(from, options);
  const dataset = options.dataset ?? datasetIn(metadata);
  const imageSize = options.image_size ?? imageSizeIn(metadata);
  const source = { path, model, state, metadata, predictor, dataset, imageSize };
  if (isOnnx(to, options)) {
    const { exportOnnx } = await import("../../export/exportOnnx.js");
    const { classNamesFor, dataFolder } = await import("../../train/predict.js");
    const row = sizedDataset(dataset ?? `${DATA_PLACE.dataset.fallback}`, imageSize);
    const named = { checkpoint: from, data: options.data };
    const classes = await classNamesFor(row, classesOfState(model, state), named, output.notice);
    const calibration = options.int8 ? await trainingImages(row, dataFolder(row, named), options.calibrate) : undefined;
    const settings = { classes, withPreprocessing: options.with_preprocessing, calibration, version: version() };
    await exportOnnx(to, source, settings, env);
  } else {
    const { exportSavedModel } = await import("../../export/exportSavedModel.js");
    await exportSavedModel(to, source, env);
  }
  return written;
}

/** pefd convert: the same tensors in another format, bit for bit, or a graph for other programs. */
export const command: Command = {
  sections: [CONVERSION, DOCUMENT, GENERAL],
  positionals: { usage: "IN OUT", min: 2, max: 2 },
  examples: [
    ["pefd convert ckpt_epoch_240.pth resnet8x4.safetensors", "from PyTorch"],
    ["pefd convert resnet8x4_best.safetensors resnet8x4.pth", "for torch.load"],
    ["pefd convert resnet8x4_best.safetensors resnet8x4/", "a SavedModel for TensorFlow"],
    ["pefd convert resnet8x4_best.safetensors resnet8x4.onnx", "for ONNX Runtime"],
    ["pefd convert resnet8x4_best.safetensors small.onnx --int8 --data DIR", "the same in int8"],
  ],
  async run(invocation) {
    const { layers, positionals, output } = invocation;
    const [from, to] = positionals as [string, string];
    const options = resolveSection(CONVERSION, layers);
    if (to === STDOUT) {
      throw inputError(
        "pefd convert writes to files, not to stdout (-).",
        "Give a .safetensors, .pth or .onnx file, or a folder for a SavedModel.",
      );
    }
    checkBelongs(to, options, layers);
    checkFree(to, options, namesFolder(to, options));
    const { format, tensors, predictsThrough } = await write(from, to, options, invocation);
    const through = predictsThrough === undefined ? "" : `, with the modules that ${predictsThrough} predicts with`;
    output.result(
      `${counted(tensors, "tensor")} of ${from} (${format}) ${tensors === 1 ? "is" : "are"} in ${to}${through}`,
      { from, to, format, tensors, ...(predictsThrough !== undefined && { predictsThrough }) },
    );
    return undefined;
  },
};
