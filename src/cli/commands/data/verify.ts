import { inputError } from "../../../common/errors.js";
import { writeOutputFile } from "../../../common/files/outputFile.js";
import { path, section } from "../../../common/optionRow.js";
import { counted } from "../../../common/text.js";
import { DATA_PLACE, DOCUMENT, GENERAL } from "../../../config/commandOptions.js";
import { NUM_WORKERS } from "../../../config/options.js";
import { resolveSection } from "../../../config/resolve.js";
import type { FileReport, VerifyReport } from "../../../data/dataset.js";
import type { OpenExaminer } from "../../../data/images/examine/examiner.js";
import { DATASETS } from "../../../data/registry.js";
import { createProgressBar, type ProgressBar } from "../../../report/live/progressBar.js";
import type { Command, Invocation, Output } from "../../command.js";
import { DATASET_WORD, imageReaderOf, withDatasetWord } from "../../dataset/word.js";
import { COLUMNS } from "../../output.js";

/** Shows progress on a terminal. */
export function imagesBar(output: Output) {
  const { stderr } = process;
  if (output.quiet || stderr.isTTY !== true) return { update: () => {}, stop: () => {} };
  let bar: ProgressBar | undefined;
  return {
    update(done: number, all: number) {
      if (bar === undefined) {
        bar = createProgressBar(stderr, stderr.columns ?? COLUMNS, output.color);
        bar.start(all, 0);
      }
      bar.update(done, [`${done} of ${all} images`]);
      if (done < all) return;
      bar.stop();
      bar = undefined;
    },
    stop: () => bar?.stop(),
  };
}

async function examinerOf(env: Invocation["env"], workers: number, output: Output): Promise<OpenExaminer> {
  const { openExaminer } = await import("../../../data/images/examine/examiner.js");
  const reader = await imageReaderOf(env);
  const bar = imagesBar(output);
  const examiner = openExaminer({ workers, reader, onProgress: bar.update });
  return {
    ...examiner,
    close() {
      bar.stop();
      examiner.close();
    },
  };
}

const FOLDER = section("Data", {
  ...DATA_PLACE,
  skip_list: path(undefined, "Write the names of unusable images to this file.", {
    defaultText: "not written",
    flagOnly: true,
  }),
  num_workers: { ...NUM_WORKERS, help: "Decoding threads, at most one per CPU core." },
});

const LEAST_WIDTH = 10;

function fileLines(files: readonly FileReport[]): string[] {
  const width = Math.max(LEAST_WIDTH, ...files.map(({ file }) => file.length));
  return files.map(({ file, records, bytes, classes, fewestPerClass, mostPerClass }) => {
    const perClass = fewestPerClass === mostPerClass ? fewestPerClass : `${fewestPerClass} to ${mostPerClass}`;
    return `${file.padEnd(width)} ${counted(records, "image")} (${counted(bytes, "byte")}), ${classes} ${classes === 1 ? "class" : "classes"}, ${perClass} per class`;
  });
}

function verdict(title: string, { official, sharedRecords }: VerifyReport): string[] {
  const what =
    official === undefined
      ? "OK: every image can be decoded."
      : official
        ? `OK: exactly the images of ${title}.`
        : `OK, but not the original images of ${title}.`;
  return sharedRecords > 0
    ? [what, `${counted(sharedRecords, "test image")} ${sharedRecords === 1 ? "is" : "are"} also in the training set.`]
    : [what];
}

/** pefd data verify: checks a data folder; exit code 2 for problems. */
export const command: Command = {
  sections: [FOLDER, DOCUMENT, GENERAL],
  positionals: DATASET_WORD,
  examples: [
    ["pefd data verify --data DIR", "sizes, labels, balance, checksums"],
    ["pefd data verify cifar10", "another data set, in its own folder"],
    ["pefd data verify folder --data DIR --skip_list bad.txt", "write a list of images to skip"],
  ],
  async run(invocation) {
    const { output, env } = invocation;
    const options = resolveSection(FOLDER, withDatasetWord(invocation));
    const { dataset, data, skip_list, num_workers } = options;
    const { title, verify } = DATASETS.row(dataset);
    if (verify === undefined) throw inputError(`${title} has no verification.`);
    const examiner = await examinerOf(env, num_workers, output);
    const report = await (async () => verify(data, examiner))().finally(examiner.close);
    if (skip_list !== undefined) {
      await writeOutputFile(skip_list, report.damaged.map((name) => `${name}\n`).join(""));
    }
    const lines = fileLines(report.files);
    lines.push(...report.warnings);
    if (report.problems.length === 0) lines.push(...verdict(title, report));
    if (lines.length > 0 || output.json) output.result(lines.join("\n"), report);
    if (report.problems.length > 0) throw inputError(report.problems.join("\n  "));
  },
};
