import { existsSync, readdirSync, statSync } from "node:fs";
import { extname } from "node:path";
import type { Metadata } from "../../checkpoint/metadata.js";
import { isSavedModel } from "../../checkpoint/savedModelFolder.js";
import { inputError } from "../../common/errors.js";
import { mendFolder } from "../../common/files/atomicFolder.js";
import { choice, flag, section, type Values } from "../../common/optionRow.js";
import { counted } from "../../common/text.js";
import { DOCUMENT, GENERAL, IMAGE_SIZE } from "../../config/commandOptions.js";
import { datasetIn, imageSizeIn, modelNameOf } from "../../config/modelName.js";
import { resolveSection } from "../../config/resolve.js";
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
  model: choice<string, undefined>("models", undefined, "The model, for a SavedModel.", {
    defaultText: "from the checkpoint",
    flagOnly: true,
  }),
  dataset: choice<string, undefined>("datasets", undefined, "Its data set, for a SavedModel.", {
    defaultText: "from the checkpoint",
    flagOnly: true,
  }),
  image_size: { ...IMAGE_SIZE, defaultText: "from the checkpoint", flagOnly: true },
  student_alone: flag("Convert only the student, without other modules that its method predicts with.", {
    flagOnly: true,
  }),
  force: flag("Replace an existing file or SavedModel.", { flagOnly: true }),
});

type Conversion = Values<typeof CONVERSION>;

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

async function savedModelName(from: string, { model }: Conversion): Promise<string> {
  const name = model ?? (await modelNameInFile(from)) ?? modelNameOf(from);
  if (name !== undefined) return name;
  throw inputError(
    `The model of ${from} cannot be determined from the file or its folder; a SavedModel needs it.`,
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
  if (found !== undefined && !namesFolder(to, options) && !takesCompany(to)) {
    throw inputError(
      `${found.method} predicts with more than the student, which cannot be stored next to ${to}.`,
      `Give a file name, ${alone}`,
    );
  }
  return found;
}

async function write(from: string, to: string, options: Conversion, env: Invocation["env"]) {
  const { readCheckpoint } = await import("../../checkpoint/readCheckpoint.js");
  const { path, state, metadata, format } = await readCheckpoint(from);
  const predictor = await predictorFor(from, metadata, to, options);
  if (namesFolder(to, options)) {
    const model = await savedModelName(from, options);
    const { exportSavedModel } = await import("../../export/exportSavedModel.js");
    const dataset = options.dataset ?? datasetIn(metadata);
    const imageSize = options.image_size ?? imageSizeIn(metadata);
    const source = { path, model, state, metadata, predictor, dataset, imageSize };
    await exportSavedModel(to, source, env);
  } else {
    const { convertFile, predictorBeside } = await import("../../export/convertFile.js");
    if (predictor !== undefined) checkFree(predictorBeside(to), options, false);
    await convertFile(to, { state, metadata }, predictor);
  }
  return { format, tensors: state.size, predictsThrough: predictor?.method };
}

/** pefd convert: the same tensors in another format, bit for bit. */
export const command: Command = {
  sections: [CONVERSION, DOCUMENT, GENERAL],
  positionals: { usage: "IN OUT", min: 2, max: 2 },
  examples: [
    ["pefd convert ckpt_epoch_240.pth resnet8x4.safetensors", "from PyTorch"],
    ["pefd convert resnet8x4_best.safetensors resnet8x4.pth", "for torch.load"],
    ["pefd convert resnet8x4_best.safetensors resnet8x4/", "a SavedModel for TensorFlow"],
  ],
  async run({ layers, positionals, env, output }) {
    const [from, to] = positionals as [string, string];
    const options = resolveSection(CONVERSION, layers);
    if (to === STDOUT) {
      throw inputError(
        "pefd convert writes to files, not to stdout (-).",
        "Give a .safetensors or .pth file, or a folder for a SavedModel.",
      );
    }
    checkFree(to, options, namesFolder(to, options));
    const { format, tensors, predictsThrough } = await write(from, to, options, env);
    const through = predictsThrough === undefined ? "" : `, with the modules that ${predictsThrough} predicts with`;
    output.result(
      `${counted(tensors, "tensor")} of ${from} (${format}) ${tensors === 1 ? "is" : "are"} in ${to}${through}`,
      { from, to, format, tensors, ...(predictsThrough !== undefined && { predictsThrough }) },
    );
    return undefined;
  },
};
