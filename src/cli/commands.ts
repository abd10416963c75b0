import { inputError } from "../common/errors.js";
import { didYouMean } from "../common/text.js";
import type { Command } from "./command.js";

/** A command as the overview shows it; its file is imported when it is used. */
export interface CommandRow {
  /** One word, or two: "data fetch". */
  readonly name: string;
  readonly summary: string;
  load(): Promise<{ command: Command }>;
}

/** All commands. A new one is a file in commands/ and a row here. */
export const COMMANDS: readonly CommandRow[] = [
  {
    name: "train-teacher",
    summary: "Train a teacher.",
    load: () => import("./commands/trainTeacher.js"),
  },
  {
    name: "distill",
    summary: "Train a student with a teacher's help.",
    load: () => import("./commands/distill.js"),
  },
  {
    name: "rerun",
    summary: "Repeat a run from its own record.",
    load: () => import("./commands/rerun.js"),
  },
  {
    name: "eval",
    summary: "Evaluate checkpoints on the test images.",
    load: () => import("./commands/eval.js"),
  },
  {
    name: "sweep",
    summary: "Distil over lists of options, one run for each combination.",
    load: () => import("./commands/sweep.js"),
  },
  {
    name: "report",
    summary: "Summarise runs: a table, a page, plots.",
    load: () => import("./commands/report.js"),
  },
  {
    name: "analyze",
    summary: "Measure a student's features against its teacher's.",
    load: () => import("./commands/analyze.js"),
  },
  {
    name: "verify",
    summary: "Hold a run's files and inputs against what it wrote down.",
    load: () => import("./commands/verify.js"),
  },
  {
    name: "watch",
    summary: "Watch runs while they go on.",
    load: () => import("./commands/watch.js"),
  },
  {
    name: "data synthesize",
    summary: "Make a small artificial data set.",
    load: () => import("./commands/data/synthesize.js"),
  },
  {
    name: "data fetch",
    summary: "Bring a data set.",
    load: () => import("./commands/data/fetch.js"),
  },
  {
    name: "data verify",
    summary: "Examine a data folder.",
    load: () => import("./commands/data/verify.js"),
  },
  {
    name: "data pack",
    summary: "Pack images into few large files.",
    load: () => import("./commands/data/pack.js"),
  },
  {
    name: "data show",
    summary: "Show images as a model sees them.",
    load: () => import("./commands/data/show.js"),
  },
  {
    name: "convert",
    summary: "Write a checkpoint in another format.",
    load: () => import("./commands/convert.js"),
  },
  {
    name: "setup",
    summary: "Bring TensorFlow's native library, once.",
    load: () => import("./commands/setup.js"),
  },
  {
    name: "completion",
    summary: "Write what a shell completes pefd by.",
    load: async () => {
      const { completionOf } = await import("./commands/completion.js");
      return { command: completionOf(COMMANDS) };
    },
  },
  {
    name: "doctor",
    summary: "Tell what is set up and what is missing.",
    load: () => import("./commands/doctor.js"),
  },
  {
    name: "bench",
    summary: "Time the engines on this machine.",
    load: () => import("./commands/bench.js"),
  },
  {
    name: "models",
    summary: "List the models.",
    load: () => import("./commands/models.js"),
  },
  {
    name: "methods",
    summary: "List the distillation methods.",
    load: () => import("./commands/methods.js"),
  },
  {
    name: "config list",
    summary: "List the presets that --config takes.",
    load: () => import("./commands/configList.js"),
  },
  {
    name: "new method",
    summary: "Write a plug-in with a method to begin with.",
    load: async () => ({ command: (await import("./commands/new.js")).newCommand("method") }),
  },
  {
    name: "new model",
    summary: "Write a plug-in with a model to begin with.",
    load: async () => ({ command: (await import("./commands/new.js")).newCommand("model") }),
  },
  {
    name: "new dataset",
    summary: "Write a plug-in with a data set to begin with.",
    load: async () => ({ command: (await import("./commands/new.js")).newCommand("dataset") }),
  },
];

const isWord = (text: string | undefined): text is string => text !== undefined && text !== "";

function unknownCommand(words: readonly string[]) {
  const [first, second] = words;
  const inGroup = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
  if (inGroup.length > 0 && !isWord(second)) {
    const names = inGroup.map(({ name }) => `pefd ${name}`).join(", ");
    return inputError(`pefd ${first} needs a second word.`, `Type one of: ${names}.`);
  }
  const typed = inGroup.length > 0 ? `${first} ${second}` : `${first}`;
  const names = COMMANDS.map(({ name }) => name);
  return inputError(`There is no command ${typed}.${didYouMean(typed, names)}`, "`pefd --help` lists the commands.");
}

/**
 * The command that the words begin with.
 * @throws inputError with the nearest name when there is none
 */
export function findCommand(words: readonly string[]): CommandRow {
  const fits = COMMANDS.filter(({ name }) => name.split(" ").every((word, index) => words[index] === word));
  const found = fits[0];
  if (found === undefined) throw unknownCommand(words);
  return found;
}
