import { flag, paths, section, string } from "../common/optionRow.js";

/** Where values come from, besides flags. */
export const CONFIGURATION = section("Configuration", {
  config: string(
    undefined,
    "A preset's name (`pefd config list`), a JSON file of options, or a run's config.json, which repeats the run.",
    { ...{ flagOnly: true, completes: "presets", valueName: "NAME|FILE" }, touches: "start" },
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
