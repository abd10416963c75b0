import { serializeSafetensors } from "../../checkpoint/safetensors.js";
import { inputError, PefdError } from "../../common/errors.js";
import { writeOutputFile } from "../../common/files/outputFile.js";
import { choice, flag, flagSection, integer, path, section } from "../../common/optionRow.js";
import { float32Tensor } from "../../common/stateDict.js";
import { cleanJson, counted } from "../../common/text.js";
import { DATA_PLACE, GENERAL, IMAGE_SIZE } from "../../config/commandOptions.js";
import { GPU } from "../../config/options.js";
import { resolveSection } from "../../config/resolve.js";
import { type GivenImage, givenFiles, imagesIn } from "../../data/images/given.js";
import { renderFitted } from "../../report/fit.js";
import { columns, renderCsv } from "../../report/table.js";
import { withDatasetOf } from "../../train/checkpointDataset.js";
import type { Classifier, PredictOptions } from "../../train/predict.js";
import type { Command, Invocation } from "../command.js";
import { imageReaderOf } from "../dataset/word.js";
import { fileOf, STDOUT } from "../output.js";
import { stderrBar } from "../transfer.js";

const PREDICTION = flagSection("Prediction", {
  checkpoint: path(undefined, "Checkpoint: .pth, .safetensors or a SavedModel written by pefd.", {
    defaultText: "must be given",
  }),
  model: choice<string, undefined>("models", undefined, "Its model.", { defaultText: "from the checkpoint" }),
  top_k: integer(5, "Classes per image, most probable first.", { min: 1 }),
  gpu: GPU,
});

const PLACE = section("Data", {
  dataset: { ...DATA_PLACE.dataset, defaultText: "from the checkpoint" },
  data: { ...DATA_PLACE.data, defaultText: "from the checkpoint's run" },
  image_size: IMAGE_SIZE,
});

const RESULT = flagSection("Output", {
  json: flag("Print one line of JSON per image.", { touches: "output" }),
  csv: path(undefined, "Write one row per image and class to this CSV file; - prints it.", {
    defaultText: "not written",
    valueName: "FILE|-",
  }),
  features: path(undefined, "Write the pooled features [images, features] to this .safetensors file.", {
    defaultText: "not written",
  }),
  wrong: path(
    undefined,
    "Write a contact sheet (HTML) of test images that the student gets wrong, its teacher right.",
    {
      defaultText: "not written",
    },
  ),
  teacher: path(undefined, "The teacher's checkpoint, for --wrong.", { defaultText: "that of the student's run" }),
});

/** Images per forward pass. */
const BATCH = 50;

interface Predicted {
  readonly image: string;
  /** Most probable first. */
  readonly predictions: readonly { readonly class: string; readonly label: number; readonly probability: number }[];
}

/** The k most probable classes of one image; of equal ones the lower label first. @param row [classes] */
function topOf(row: Float32Array, classes: readonly string[], k: number): Predicted["predictions"] {
  const labels = [...row.keys()].sort((a, b) => (row[b] as number) - (row[a] as number) || a - b).slice(0, k);
  return labels.map((label) => ({ class: classes[label] as string, label, probability: row[label] as number }));
}

function predictBatch(classifier: Classifier, images: readonly GivenImage[], k: number) {
  const { classes } = classifier;
  const { probabilities, features } = classifier.predict(Buffer.concat(images.map(({ pixels }) => pixels)));
  const predicted = images.map(({ name }, i): Predicted => {
    const row = probabilities.subarray(i * classes.length, (i + 1) * classes.length);
    return { image: name, predictions: topOf(row, classes, k) };
  });
  return { predicted, features };
}

const percent = (probability: number): string => (100 * probability).toFixed(2);

const textOf = (predicted: readonly Predicted[], width: number | undefined): string =>
  renderFitted(
    {
      columns: columns("image", "class", ">%", "then"),
      rows: predicted.map(({ image, predictions: [first, ...rest] }) => [
        image,
        first?.class ?? "",
        percent(first?.probability ?? 0),
        rest.map(({ class: name, probability }) => `${name} ${percent(probability)}`).join(", "),
      ]),
    },
    width,
  );

const csvOf = (predicted: readonly Predicted[]): string =>
  renderCsv({
    columns: columns("image", "rank", "class", "label", "probability"),
    rows: predicted.flatMap(({ image, predictions }) =>
      predictions.map(({ class: name, label, probability }, i) => [
        image,
        `${i + 1}`,
        name,
        `${label}`,
        `${probability}`,
      ]),
    ),
  });

async function writeFeatures(file: string, all: readonly Float32Array[], names: readonly string[], size: number) {
  const values = Float32Array.from(all.flatMap((part) => [...part]));
  const state = new Map([["features", float32Tensor(values, [names.length, size])]]);
  await writeOutputFile(file, serializeSafetensors(state, new Map([["images", JSON.stringify(names)]])));
}

/** Writes the contact sheet of --wrong. @throws inputError for an unknown teacher, or data that cannot be read */
async function writeMistakes(
  file: string,
  student: Classifier,
  { asked, teacher: given }: { readonly asked: PredictOptions; readonly teacher: string | undefined },
  { env, output }: Invocation,
): Promise<void> {
  const { dataFolder, mistakes, openClassifier, teacherOfRun } = await import("../../train/predict.js");
  const { checkpoint } = asked;
  const path = given ?? teacherOfRun(checkpoint);
  if (path === undefined) throw inputError(`The teacher of ${checkpoint} is unknown.`, "Give --teacher FILE.");
  const { test } = await student.row.openTest(dataFolder(student.row, asked));
  const teacher = await openClassifier({ ...asked, checkpoint: path, model: undefined }, { env, notice: () => {} });
  const bar = stderrBar(output);
  try {
    const found = mistakes({ student, teacher, set: test }, (done) =>
      bar?.update(done, test.count, [`${done} of ${test.count} images`, checkpoint]),
    );
    const { mistakeSheet } = await import("../dataset/contactSheet.js");
    const { sheetHtml } = await import("../../report/sheet.js");
    const sheet = mistakeSheet(student.row, test, student.classes, found, await imageReaderOf(env));
    await writeOutputFile(file, sheetHtml(sheet));
    output.notice(`${file}: ${sheet.notes[0]}`);
  } finally {
    bar?.stop();
    teacher.dispose();
  }
}

/** pefd predict: the most probable classes of images. */
export const command: Command = {
  sections: [PREDICTION, PLACE, RESULT, GENERAL],
  positionals: { usage: "[FILE|DIR|PATTERN|-]...", min: 0, max: Number.MAX_SAFE_INTEGER },
  examples: [
    ["pefd predict --checkpoint FILE photo.jpg", "the five most probable classes"],
    ["pefd predict --checkpoint FILE photos/ --json > predictions.jsonl", "all images below a folder"],
    ["pefd predict --checkpoint FILE 'photos/**/*.png' --csv classes.csv --top_k 1", "those that match a pattern"],
    ["pefd predict --checkpoint FILE --data DIR --wrong wrong.html", "the student's mistakes on the test images"],
  ],
  async run(invocation) {
    const { layers: given, positionals, env, output } = invocation;
    const { checkpoint, ...options } = resolveSection(PREDICTION, given);
    if (checkpoint === undefined) throw inputError("No checkpoint given.", "Give --checkpoint FILE.");
    const { json, csv, features: featureFile, wrong, teacher } = resolveSection(RESULT, given);
    if (json && csv === STDOUT)
      throw inputError("--json and --csv - both print.", "Give --csv a file, or one of them.");
    if (positionals.length === 0 && wrong === undefined) {
      throw inputError("No image given.", "Give images, a folder, a pattern, - for stdin, or --wrong FILE.html.");
    }
    const files = givenFiles(positionals);
    const { dataset, image_size, ...place } = resolveSection(PLACE, await withDatasetOf(given, [checkpoint]));
    const isGiven = given.some(({ values }) => values.data !== undefined);
    const { openClassifier } = await import("../../train/predict.js");
    const asked = { ...options, checkpoint, dataset, image_size, data: isGiven ? place.data : undefined };
    const classifier = await openClassifier(asked, { env, notice: output.notice });
    if (wrong !== undefined) await writeMistakes(wrong, classifier, { asked, teacher }, invocation);
    const reader = await imageReaderOf(env);
    const [all, features, problems]: [Predicted[], Float32Array[], string[]] = [[], [], []];
    const bar = stderrBar(output);
    let waiting: GivenImage[] = [];
    const flush = () => {
      if (waiting.length === 0) return;
      const batch = predictBatch(classifier, waiting, options.top_k);
      waiting = [];
      if (json) for (const one of batch.predicted) process.stdout.write(`${cleanJson(JSON.stringify(one))}\n`);
      if (!json || csv !== undefined || featureFile !== undefined) all.push(...batch.predicted);
      if (featureFile !== undefined) features.push(batch.features.slice());
    };
    try {
      for (const [i, file] of files.entries()) {
        try {
          for (const image of imagesIn(file, classifier.row, reader)) {
            if (waiting.push(image) === BATCH) flush();
          }
        } catch (error) {
          if (!(error instanceof PefdError)) throw error;
          problems.push(error.message);
        }
        bar?.update(i + 1, files.length, [`${i + 1} of ${files.length} images`, checkpoint]);
      }
      flush();
    } finally {
      bar?.stop();
      classifier.dispose();
    }
    if (csv === STDOUT) process.stdout.write(`${csvOf(all)}\n`);
    else if (!json && all.length > 0) output.result(textOf(all, output.width), all);
    const table = fileOf(csv);
    if (table !== undefined) await writeOutputFile(table, `${csvOf(all)}\n`);
    if (featureFile !== undefined) {
      const names = all.map(({ image }) => image);
      await writeFeatures(featureFile, features, names, classifier.featureSize);
    }
    for (const problem of problems) output.notice(`warning: ${problem}`);
    if (problems.length === 0) return undefined;
    output.notice(`warning: ${counted(problems.length, "file")} of ${files.length} could not be used.`);
    return 1;
  },
};
