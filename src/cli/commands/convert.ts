import { existsSync, readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import type { Metadata } from "../../checkpoint/metadata.js";
import { GRAPH_FILE } from "../../checkpoint/savedModelFolder.js";
import { inputError } from "../../common/errors.js";
import { mendFolder } from "../../common/files/atomicFolder.js";
import { writeOutputFile } from "../../common/files/outputFile.js";
import { choice, flag, flagSection, integer, path, type Values } from "../../common/optionRow.js";
import { counted } from "../../common/text.js";
import { version } from "../../common/version.js";
import { DATA_PLACE, DOCUMENT, GENERAL, IMAGE_SIZE } from "../../config/commandOptions.js";
import { datasetIn, imageSizeIn, modelNameOf } from "../../config/modelName.js";
import { resolveSection } from "../../config/resolve.js";
import type { DatasetRow, ImageSet } from "../../data/dataset.js";
import { sizedDataset } from "../../data/registry.js";
import type { SavedModelSource } from "../../export/exportSavedModel.js";
import type { TfjsWeights } from "../../export/exportTfjs.js";
import { classesOfState } from "../../models/survey.js";
import type { PredictorFile } from "../../train/files/predictor.js";
import type { Command, Invocation } from "../command.js";
import { modelNameInFile } from "../modelInFile.js";
import { STDOUT } from "../output.js";

const SAVED_MODEL = "savedmodel";
const WEIGHTS: readonly TfjsWeights[] = ["float32", "float16", "uint8"];

const CONVERSION = flagSection("Conversion", {
  to: choice([SAVED_MODEL], undefined, "Write a TensorFlow SavedModel, whatever OUT is called.", {
    defaultText: "from OUT's extension",
  }),
  model: choice<string, undefined>("models", undefined, "The model, for a graph: SavedModel, ONNX, TF.js, LiteRT.", {
    defaultText: "from the checkpoint",
  }),
  dataset: choice<string, undefined>("datasets", undefined, "Its data set, for a graph.", {
    defaultText: "from the checkpoint",
  }),
  image_size: { ...IMAGE_SIZE, defaultText: "from the checkpoint" },
  with_preprocessing: flag("Let an ONNX or LiteRT file take uint8 pixels [N, H, W, 3]; ONNX: probabilities first."),
  page: flag("Add an HTML page to a TF.js model that classifies pictures without a network."),
  weights: choice<TfjsWeights, undefined>(WEIGHTS, undefined, "How a TF.js model stores its weights.", {
    defaultText: "float32",
  }),
  int8: flag("Quantise an ONNX file to int8 after training: a quarter of the size, and faster."),
  calibrate: integer(512, "Training images that determine the ranges of int8 activations.", { min: 1 }),
  data: path(undefined, "The data set's folder, for class names in ONNX and TF.js, and for --int8.", {
    valueName: "DIR",
    defaultText: "from the checkpoint's run",
  }),
  student_alone: flag("Convert only the student, without other modules that its method predicts with."),
  force: flag("Replace an existing file, SavedModel or TF.js model."),
});

type Conversion = Values<typeof CONVERSION>;

type Target = "savedmodel" | "onnx" | "tfjs" | "tflite" | "checkpoint";

/** Graphs by OUT's ending. */
const GRAPH_ENDINGS: Readonly<Record<string, Target>> = { ".onnx": "onnx", ".tfjs": "tfjs", ".tflite": "tflite" };

function targetOf(path: string, { to }: Conversion): Target {
  if (to !== undefined) return SAVED_MODEL;
  const graph = GRAPH_ENDINGS[extname(path)];
  if (graph === "tfjs" || (graph !== undefined && !path.endsWith("/"))) return graph;
  return path.endsWith("/") || extname(path) === "" ? SAVED_MODEL : "checkpoint";
}

/** The file by which a folder that may be replaced is known. */
const FOLDERS: Partial<Record<Target, { readonly file: string; readonly title: string }>> = {
  savedmodel: { file: GRAPH_FILE, title: "a SavedModel" },
  tfjs: { file: "model.json", title: "a TF.js model" },
};

function checkFree(to: string, { force }: Conversion, folder: (typeof FOLDERS)[Target]): void {
  if (folder !== undefined) mendFolder(to);
  if (!existsSync(to)) return;
  const found = statSync(to);
  const isFolder = found.isDirectory();
  // A pipe or a device takes what it is given; nothing is replaced.
  if (folder === undefined && !isFolder && !found.isFile()) return;
  if (folder !== undefined && isFolder && readdirSync(to).length === 0) return;
  if (!force) {
    throw inputError(`${to} already exists. Nothing was changed.`, "Replace it with --force.");
  }
  if (folder !== undefined && !existsSync(join(to, folder.file))) {
    throw inputError(
      `${to} is not ${folder.title}; --force does not replace it.`,
      "Give a folder that does not exist yet.",
    );
  }
}

async function modelFor(from: string, { model }: Conversion): Promise<string> {
  const name = model ?? (await modelNameInFile(from)) ?? modelNameOf(from);
  if (name !== undefined) return name;
  throw inputError(
    `The model of ${from} cannot be determined from the file or its folder; a graph (SavedModel, ONNX, TF.js, LiteRT) needs it.`,
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
  if (found !== undefined && targetOf(to, options) === "checkpoint" && !takesCompany(to)) {
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

/** Options of some graphs, and what these are called. */
const OWN_OPTIONS: readonly (readonly [name: keyof Conversion, targets: readonly Target[], title: string])[] = [
  ["with_preprocessing", ["onnx", "tflite"], "ONNX and LiteRT files"],
  ["int8", ["onnx"], "ONNX files"],
  ["calibrate", ["onnx"], "ONNX files"],
  ["page", ["tfjs"], "TF.js models"],
  ["weights", ["tfjs"], "TF.js models"],
];

/** Refuses options of other graphs than OUT. @throws inputError */
function checkBelongs(to: string, options: Conversion, layers: Invocation["layers"]): void {
  const isGiven = (name: keyof Conversion) => layers.some(({ values }) => values[name] !== undefined);
  for (const [name, targets, title] of OWN_OPTIONS.filter(([name]) => isGiven(name))) {
    if (targets.includes(targetOf(to, options))) continue;
    const endings = targets.map((target) => `.${target}`).join(" or ");
    throw inputError(`--${name} belongs to ${title}, but ${to} is none.`, `Give OUT the ending ${endings}.`);
  }
  if (isGiven("calibrate") && !options.int8) {
    throw inputError("--calibrate belongs to --int8, which is missing.", "Add --int8.");
  }
}

interface Asked {
  readonly from: string;
  readonly to: string;
  readonly source: SavedModelSource;
  readonly row: DatasetRow;
  readonly options: Conversion;
  readonly env: Invocation["env"];
  /** Class names by label. */
  classes(): Promise<readonly string[]>;
}

const WRITERS: Readonly<Record<Exclude<Target, "checkpoint">, (asked: Asked) => Promise<void>>> = {
  async savedmodel({ to, source, env }) {
    const { exportSavedModel } = await import("../../export/exportSavedModel.js");
    await exportSavedModel(to, source, env);
  },
  async onnx({ from, to, source, row, options, env, classes }) {
    const { onnxFile } = await import("../../export/exportOnnx.js");
    const { dataFolder } = await import("../../train/predict.js");
    const { int8, data, calibrate, with_preprocessing: withPreprocessing } = options;
    const folder = dataFolder(row, { checkpoint: from, data });
    const calibration = int8 ? await trainingImages(row, folder, calibrate) : undefined;
    const settings = { classes: await classes(), withPreprocessing, calibration, version: version() };
    await writeOutputFile(to, onnxFile(source, settings, env));
  },
  async tfjs({ to, source, row, options, env, classes }) {
    const { tfjsArtifacts, writeTfjs } = await import("../../export/exportTfjs.js");
    const artifacts = tfjsArtifacts(source, await classes(), version(), env, options.weights);
    const { classifyPage } = await import("../classifyPage.js");
    const { cropOf } = await import("../../data/images/given.js");
    await writeTfjs(to, artifacts, options.page ? classifyPage(artifacts, cropOf(row)) : undefined);
  },
  async tflite({ to, source, options, env }) {
    const { exportLiteRt } = await import("../../export/exportLiteRt.js");
    await exportLiteRt(to, source, options.with_preprocessing, env);
  },
};

async function write(from: string, to: string, options: Conversion, { env, output }: Invocation) {
  const { readCheckpoint } = await import("../../checkpoint/readCheckpoint.js");
  const { path, state, metadata, format } = await readCheckpoint(from);
  const predictor = await predictorFor(from, metadata, to, options);
  const written = { format, tensors: state.size, predictsThrough: predictor?.method };
  const target = targetOf(to, options);
  if (target === "checkpoint") {
    const { convertFile, predictorBeside } = await import("../../export/convertFile.js");
    if (predictor !== undefined) checkFree(predictorBeside(to), options, undefined);
    await convertFile(to, { state, metadata }, predictor);
    return written;
  }
  const model = await modelFor(from, options);
  const dataset = options.dataset ?? datasetIn(metadata);
  const imageSize = options.image_size ?? imageSizeIn(metadata);
  const source = { path, model, state, metadata, predictor, dataset, imageSize };
  const row = sizedDataset(dataset ?? `${DATA_PLACE.dataset.fallback}`, imageSize);
  const classes = async () => {
    const { classNamesFor } = await import("../../train/predict.js");
    const place = { checkpoint: from, data: options.data };
    return classNamesFor(row, classesOfState(model, state), place, output.notice);
  };
  await WRITERS[target]({ from, to, source, row, options, env, classes });
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
    ["pefd convert resnet8x4_best.safetensors resnet8x4.tfjs/ --page", "for browsers, with a page that classifies"],
  ],
  async run(invocation) {
    const { layers, positionals, output } = invocation;
    const [from, to] = positionals as [string, string];
    const options = resolveSection(CONVERSION, layers);
    if (to === STDOUT) {
      throw inputError(
        "pefd convert writes to files, not to stdout (-).",
        "Give a .safetensors, .pth, .onnx or .tflite file, or a folder for a SavedModel or TF.js.",
      );
    }
    checkBelongs(to, options, layers);
    checkFree(to, options, FOLDERS[targetOf(to, options)]);
    const { format, tensors, predictsThrough } = await write(from, to, options, invocation);
    const through = predictsThrough === undefined ? "" : `, with the modules that ${predictsThrough} predicts with`;
    output.result(
      `${counted(tensors, "tensor")} of ${from} (${format}) ${tensors === 1 ? "is" : "are"} in ${to}${through}`,
      { from, to, format, tensors, ...(predictsThrough !== undefined && { predictsThrough }) },
    );
  },
};
