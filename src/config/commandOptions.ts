import { choice, flag, integer, path, paths, section, string } from "../common/optionRow.js";

const dataset = choice<string, string>("datasets", "cifar100", "The data set.", {
  touches: "numbers",
});
const data = path("data/cifar-100-binary", "The data set's folder.", {
  defaultText: "data/cifar-100-binary, or the data set's own",
  touches: "place",
});
/** Which data set, and its folder, for every command that reads or brings images. */
export const DATA_PLACE = { dataset, data };
const limitTest = integer(undefined, "Evaluate on at most N test images, balanced over the classes.", {
  min: 1,
  touches: "numbers",
});

const skipList = path(undefined, "Leave out the images that this file names, one a line.", {
  defaultText: "none",
  touches: "input",
});

/** Side of the images as models see them, of data sets whose images are files of any size. */
export const IMAGE_SIZE = integer(
  undefined,
  "Side of the images that the model sees; for data sets of files of any size, such as folder.",
  { min: 32, max: 448, defaultText: "the data set's", touches: "numbers" },
);

/** Which images are used. */
export const DATA = section("Data", {
  ...DATA_PLACE,
  image_size: IMAGE_SIZE,
  limit_train: integer(undefined, "Train on at most N images, balanced over the classes.", {
    min: 1,
    touches: "numbers",
  }),
  limit_test: limitTest,
  skip_list: skipList,
});

/** Which images an evaluation uses. */
export const TEST_DATA = section("Data", {
  ...DATA_PLACE,
  image_size: IMAGE_SIZE,
  limit_test: limitTest,
  skip_list: skipList,
});

/** Where values come from, besides flags. */
export const CONFIGURATION = section("Configuration", {
  config: string(
    undefined,
    "A preset's name (`pefd config list`), a JSON file of options, or a run's config.json, which repeats the run.",
    { flagOnly: true, completes: "presets", valueName: "NAME|FILE", touches: "start" },
  ),
  dry_run: flag("Print the resolved configuration and where each value came from.", {
    flagOnly: true,
    touches: "start",
  }),
});

const json = flag("Print the result as one JSON document on stdout.", {
  flagOnly: true,
  touches: "output",
});

/** One document on stdout instead of text for people. */
export const DOCUMENT = section("Output", { json });

/** Options of every command. */
export const GENERAL = section("General", {
  plugin: paths([], "Take this file's methods, models and data sets, too; may be repeated.", {
    flagOnly: true,
    touches: "start",
  }),
  quiet: flag("Print results, warnings and errors alone.", { flagOnly: true, touches: "output" }),
  debug: flag("Show the stack trace of an error.", { flagOnly: true, touches: "output" }),
  no_color: flag("No colours; NO_COLOR=1 does the same.", { flagOnly: true, touches: "output" }),
});
