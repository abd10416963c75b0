import { inputError } from "../../../common/errors.js";
import { writeOutputFile } from "../../../common/files/outputFile.js";
import { flagSection, integer, integers, path } from "../../../common/optionRow.js";
import { DATA, DOCUMENT, GENERAL } from "../../../config/commandOptions.js";
import { resolveSection } from "../../../config/resolve.js";
import { sizedDataset } from "../../../data/registry.js";
import { skipListIn } from "../../../data/skipList.js";
import type { Command } from "../../command.js";
import { FOLDER_WORD, imageReaderOf, withFolderWord } from "../../dataset/word.js";

const SHEET = flagSection("Contact sheet", {
  svg: path(undefined, "Write an SVG to this file."),
  html: path(undefined, "Write an HTML page to this file."),
  images: integer(6, "Images per split, balanced over the classes.", { min: 1, max: 1000 }),
  epoch: integers([1, 2, 3], "Epochs whose augmentations are shown.", { min: 1, max: 1_000_000 }),
  trial: integer(1, "Trial number, which seeds the augmentations; the seed is 10 * trial.", {
    min: 0,
    max: 1_000_000_000,
  }),
});

/** pefd data show: a contact sheet of images as a model sees them, before and after augmentation. */
export const command: Command = {
  sections: [SHEET, DATA, DOCUMENT, GENERAL],
  positionals: FOLDER_WORD,
  examples: [
    ["pefd data show --html sheet.html", "some images, and their augmentations in the first three epochs"],
    ["pefd data show DIR --dataset folder --svg sheet.svg --epoch 1,2,100", "a folder of your own"],
  ],
  async run(invocation) {
    const { env, output } = invocation;
    const layers = withFolderWord(invocation);
    const { svg, html, images, epoch: epochs, trial } = resolveSection(SHEET, layers);
    if (svg === undefined && html === undefined) {
      throw inputError("No output file given.", "Give --html FILE or --svg FILE, or both.");
    }
    const asked = resolveSection(DATA, layers);
    const { dataset, data, image_size, limit_train, limit_test, skip_list } = asked;
    const row = sizedDataset(dataset, image_size);
    const skip = skipListIn(skip_list);
    const opened = await row.open(data, { limitTrain: limit_train, limitTest: limit_test, skip });
    const names = await row.classNames(data);
    const reader = await imageReaderOf(env);
    const { contactSheet } = await import("../../dataset/contactSheet.js");
    const { seedOf } = await import("../../../train/scene.js");
    const wish = { images, epochs, seed: seedOf({ trial }) };
    const sheet = contactSheet(row, opened, names, wish, reader);
    const { sheetSvg } = await import("../../../report/sheet.js");
    const { sheetHtml } = await import("../../../report/sheet.js");
    if (svg !== undefined) await writeOutputFile(svg, sheetSvg(sheet));
    if (html !== undefined) await writeOutputFile(html, sheetHtml(sheet));
    const written = [svg, html].filter((file) => file !== undefined);
    const shown = sheet.parts.flatMap(({ rows }) => rows).map(({ name, className }) => ({ name, className }));
    output.result(`Written: ${written.join(", ")}`, { dataset, data, ...wish, written, shown });
  },
};
