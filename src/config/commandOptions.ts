import { choice, flag, flagSection, integer, path, paths, section, string } from "../common/optionRow.js";

const dataset = choice<string, string>("datasets", "cifar100", "The data set.", { touches: "numbers" });
const data = path("data/cifar-100-binary", "The data set's folder.", {
  defaultText: "data/cifar-100-binary, or the data set's default",
  touches: "place",
});
/** For every command that reads or downloads images. */
export const DATA_PLACE = { dataset, data };
/** Image size that models see, for data sets of image files of any size. */
export const IMAGE_SIZE = integer(
  undefined,
  "Input size of the model in pixels; only for data sets of image files, such as folder.",
  { min: 32, max: 448, defaultText: "the data set's", touches: "numbers" },
);

export const DATA = section("Data", {
  ...DATA_PLACE,
  image_size: IMAGE_SIZE,
  limit_train: integer(undefined, "Train on at most N images, class-balanced.", { min: 1, touches: "numbers" }),
  limit_test: integer(undefined, "Evaluate on at most N test images, class-balanced.", { min: 1, touches: "numbers" }),
  skip_list: path(undefined, "Skip the images listed in this file, one per line.", {
    defaultText: "none",
    touches: "input",
  }),
});

const { limit_train: _, ...testRows } = DATA.rows;

export const TEST_DATA = section("Data", testRows);

export const CONFIGURATION = flagSection("Configuration", {
  config: string(
    undefined,
    "A preset (`pefd config list`), a JSON file of options, or a run's config.json, which repeats that run.",
    { completes: "presets", valueName: "NAME|FILE", touches: "start" },
  ),
  dry_run: flag("Print the resolved configuration with the origin of each value, and exit.", { touches: "start" }),
});

const json = flag("Print the result as JSON on stdout.", { flagOnly: true, touches: "output" });

export const DOCUMENT = section("Output", { json });

export const GENERAL = flagSection("General", {
  plugin: paths([], "Load methods, models and data sets from this file; may be repeated.", { touches: "start" }),
  quiet: flag("Print only results, warnings and errors.", { touches: "output" }),
  debug: flag("Show the stack trace of errors.", { touches: "output" }),
  no_color: flag("Disable colored output (same as NO_COLOR=1).", { touches: "output" }),
});
