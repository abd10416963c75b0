import { inputError } from "../common/errors.js";
import { didYouMean } from "../common/text.js";
import type { Command } from "./command.js";

export interface CommandRow {
  /** One word, or two: "data fetch". */
  readonly name: string;
  readonly summary: string;
  load(): Promise<{ command: Command }>;
}

/** All commands. A new one is a file in commands/ and a row here. */
export const COMMANDS: readonly CommandRow[] = [
  { name: "train-teacher", summary: "Train a teacher.", load: () => import("./commands/trainTeacher.js") },
  { name: "distill", summary: "Train a student with a frozen teacher.", load: () => import("./commands/distill.js") },
  { name: "rerun", summary: "Repeat a run from its config.json.", load: () => import("./commands/rerun.js") },
  { name: "eval", summary: "Evaluate checkpoints on the test images.", load: () => import("./commands/eval.js") },
  {
    name: "predict",
    summary: "Classify images with a trained model.",
    load: () => import("./commands/predict.js"),
  },
  {
    name: "sweep",
    summary: "Distill over lists of options, one run per combination.",
    load: () => import("./commands/sweep.js"),
  },
  {
    name: "report",
    summary: "Summarize runs as a table, a page or plots.",
    load: () => import("./commands/report.js"),
  },
  {
    name: "analyze",
    summary: "Compare a student's features with its teacher's.",
    load: () => import("./commands/analyze.js"),
  },
  {
    name: "verify",
    summary: "Check a run's files and inputs against its record.",
    load: () => import("./commands/verify.js"),
  },
  { name: "watch", summary: "Watch runs live in the terminal.", load: () => import("./commands/watch.js") },
  {
    name: "data synthesize",
    summary: "Generate a small synthetic data set.",
    load: () => import("./commands/data/synthesize.js"),
  },
  { name: "data fetch", summary: "Download a data set.", load: () => import("./commands/data/fetch.js") },
  { name: "data verify", summary: "Check a data folder.", load: () => import("./commands/data/verify.js") },
  { name: "data pack", summary: "Pack images into WebDataset shards.", load: () => import("./commands/data/pack.js") },
  { name: "data show", summary: "Show images as a model sees them.", load: () => import("./commands/data/show.js") },
  { name: "convert", summary: "Convert a checkpoint to another format.", load: () => import("./commands/convert.js") },
  { name: "setup", summary: "Install TensorFlow's native library (once).", load: () => import("./commands/setup.js") },
  {
    name: "completion",
    summary: "Print a shell completion script.",
    load: async () => {
      const { completionOf } = await import("./commands/completion.js");
      return { command: completionOf(COMMANDS) };
    },
  },
  {
    name: "doctor",
    summary: "Check what is installed and what is missing.",
    load: () => import("./commands/doctor.js"),
  },
  { name: "bench", summary: "Benchmark the engines on this machine.", load: () => import("./commands/bench.js") },
  { name: "models", summary: "List the models.", load: () => import("./commands/models.js") },
  { name: "methods", summary: "List the distillation methods.", load: () => import("./commands/methods.js") },
  { name: "config list", summary: "List the presets for --config.", load: () => import("./commands/configList.js") },
  ...Object.entries({ method: "method", model: "model", dataset: "data set" } as const).map(
    ([word, what]): CommandRow => ({
      name: `new ${word}`,
      summary: `Create a plug-in with a new ${what}.`,
      load: async () => ({ command: (await import("./commands/new.js")).newCommand(word) }),
    }),
  ),
];

const isWord = (text: string | undefined): text is string => text !== undefined && text !== "";

function unknownCommand(words: readonly string[]) {
  const [first, second] = words;
  const inGroup = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
  if (inGroup.length > 0 && !isWord(second)) {
    const names = inGroup.map(({ name }) => `pefd ${name}`).join(", ");
    return inputError(`pefd ${first} needs a subcommand.`, `Type one of: ${names}.`);
  }
  const typed = inGroup.length > 0 ? `${first} ${second}` : `${first}`;
  const names = COMMANDS.map(({ name }) => name);
  return inputError(`Unknown command: ${typed}.${didYouMean(typed, names)}`, "`pefd --help` lists the commands.");
}

/** The command that the words begin with; throws inputError with the nearest name when there is none. */
export function findCommand(words: readonly string[]): CommandRow {
  const fits = COMMANDS.filter(({ name }) => name.split(" ").every((word, index) => words[index] === word));
  const found = fits[0];
  if (found === undefined) throw unknownCommand(words);
  return found;
}
