import type { BenchDocument } from "../../bench/bench.js";
import { DATA_WORK, WORK_NAMES } from "../../bench/types.js";
import { inputError } from "../../common/errors.js";
import { choice, flag, integer, section, string, type Values } from "../../common/optionRow.js";
import { didYouMean } from "../../common/text/nearest.js";
import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { DATA, IMAGE_SIZE } from "../../config/dataOptions.js";
import { ENGINES, GPU, NUM_WORKERS, PRECISIONS, TEACHER_AHEAD } from "../../config/options.js";
import { resolveSection } from "../../config/resolve.js";
import { sizedDataset } from "../../data/registry.js";
import { skipListIn } from "../../data/skipList.js";
import { methodNames } from "../../distill/registry.js";
import { renderFitted } from "../../report/fit.js";
import { withMemory } from "../bench/benchMemory.js";
import { dataBenchText } from "../bench/dataBench.js";
import { processMemoryMb, processorSeconds } from "../bench/processMemory.js";
import { timingTable } from "../bench/timingTable.js";
import type { Command, Invocation } from "../command.js";

/** Where none is named. */
const METHOD = "ours";

/** Stands for every method that fits the pair. */
const ALL = "all";

type Timed<Name extends string> = Exclude<Name, "auto">;

const BENCH = section("Benchmark", {
  what: string(
    undefined,
    "What is timed: distillation, training the teacher, evaluating the student; or data, alone: reading a data set's images.",
    {
      defaultText: `${WORK_NAMES.join(",")}; distill alone with --distill`,
      ...{ flagOnly: true, valueName: "LIST" },
    },
  ),
  engine: string(undefined, "Engines to time, with commas between them.", {
    defaultText: "all; xla only on a GPU",
    ...{ flagOnly: true, valueName: "LIST" },
  }),
  precision: string(undefined, "Precisions to time, with commas between them.", {
    defaultText: "float32, and bfloat16 where the machine has it",
    ...{ flagOnly: true, valueName: "LIST" },
  }),
  gpu: GPU,
  batch_size: integer(undefined, "Images per training step.", {
    min: 1,
    defaultText: "64 on a GPU, 16 on a processor",
    flagOnly: true,
  }),
  steps: integer(undefined, "Training steps per repeat.", {
    min: 1,
    defaultText: "64 on a GPU, 3 on a processor",
    flagOnly: true,
  }),
  image_size: {
    ...IMAGE_SIZE,
    help: "Side of the images.",
    defaultText: "what the student is made for; the data set's with --what data",
    flagOnly: true,
  },
  test_images: integer(undefined, "Images of an evaluation.", {
    min: 1,
    defaultText: "10000 on a GPU, 200 on a processor; fewer of large ones",
    flagOnly: true,
  }),
  repeats: integer(5, "Repeats; the median, the fastest and the slowest are told.", {
    min: 1,
    flagOnly: true,
  }),
  model_t: choice<string, string>("models", "resnet32x4", "The teacher's model.", {
    flagOnly: true,
  }),
  model_s: choice<string, string>("models", "resnet8x4", "The student's model.", {
    flagOnly: true,
  }),
  distill: string(
    undefined,
    "Methods, with commas between them, or all: what each costs over kd.",
    {
      defaultText: "ours, not beside kd",
      ...{ flagOnly: true, completes: "methods", valueName: "LIST" },
    },
  ),
  alone: flag(
    "Times a method without kd beside it, and tells the most memory that the process has taken.",
    {
      flagOnly: true,
    },
  ),
  teacher_ahead: { ...TEACHER_AHEAD, flagOnly: true },
});

/** Of --what data. */
const { image_size: _, ...DATA_ROWS } = DATA.rows;
const READING = section("Data, for --what data", { ...DATA_ROWS, num_workers: NUM_WORKERS });

/** The names of a comma-separated list, each once; none for nothing and for `auto`. */
function listed<Name extends string>(
  flagName: string,
  typed: string | undefined,
  known: readonly Name[],
): Timed<Name>[] {
  const names = (typed ?? "auto").split(",").map((name) => name.trim());
  const unknown = names.find((name) => !known.includes(name as Name));
  if (unknown !== undefined) {
    throw inputError(
      `--${flagName}: "${unknown}" is not a choice.${didYouMean(unknown, known)}`,
      `Choose from ${known.join(", ")}; several with commas between them.`,
    );
  }
  return [...new Set(names)].filter((name) => name !== "auto") as Timed<Name>[];
}

/** Flags that have another process time the same pair with the same batches, for a moment. */
function sameSetting(options: Values<typeof BENCH>): string[] {
  const { model_t, model_s, batch_size, image_size, gpu, teacher_ahead } = options;
  const pair = { model_t, model_s, batch_size, image_size, gpu, teacher_ahead };
  const flags = { ...pair, steps: 1, repeats: 1 };
  return Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
}

/** `--json`; the process's memory is there with --alone. */
interface Told extends BenchDocument {
  readonly processMemoryMb?: number;
}

function textOf(told: Told, width: number | undefined): string {
  const { device, tensorflow, repeats, results, processMemoryMb: memory } = told;
  const { imageSize: side, numClasses } = told;
  return [
    `${device}, TensorFlow ${tensorflow}; images of ${side}x${side}, ${numClasses} classes`,
    "",
    renderFitted(timingTable(results), width),
    "",
    `Medians of ${repeats}, making the batches included; first step: recording, compiling and one step.`,
    ...(memory === undefined ? [] : [`The process has taken ${Math.round(memory)} MB at most.`]),
  ].join("\n");
}

/** Times how a data set's images are read. Models are trained where they are named: no default is of use for every size. */
async function timeData(
  asked: readonly string[],
  options: Values<typeof BENCH>,
  { layers, flags, env, output }: Invocation,
): Promise<undefined> {
  if (asked.length > 1) {
    throw inputError("--what data is timed alone.", "Time the others with a command of their own.");
  }
  const reading = resolveSection(READING, layers);
  const { dataset, data, num_workers, limit_train, limit_test, skip_list } = reading;
  const [engine = "auto"] = listed("engine", options.engine, ENGINES);
  const [precision = "auto"] = listed("precision", options.precision, PRECISIONS);
  const { runDataBench } = await import("../../bench/data/bench.js");
  const document = await runDataBench(
    {
      row: sizedDataset(dataset, options.image_size),
      ...{ data, workers: num_workers },
      limits: { limitTrain: limit_train, limitTest: limit_test, skip: skipListIn(skip_list) },
      ...{ engine, precision, gpu: options.gpu, batchSize: options.batch_size },
      ...{ steps: options.steps, repeats: options.repeats, method: options.distill ?? METHOD },
      teacher: flags.model_t === undefined ? undefined : options.model_t,
      student: flags.model_s === undefined ? undefined : options.model_s,
    },
    { env, notice: (text) => output.notice(text), processorSeconds },
  );
  output.result(dataBenchText(document), document);
  return undefined;
}

/** pefd bench: how fast each engine and precision is on this machine. */
export const command: Command = {
  sections: [BENCH, READING, DOCUMENT, GENERAL],
  examples: [
    ["pefd bench", "every engine and precision of this machine, on random images"],
    ["pefd bench --distill vid,crd", "what two methods cost over kd, in time and memory"],
    [
      "pefd bench --what distill --engine graph --batch_size 64 --json",
      "one of them, for a script",
    ],
    [
      "pefd bench --what data --dataset folder --data DIR --model_s RESNET18 --batch_size 32",
      "how fast images are read, and whether steps wait for them",
    ],
  ],
  async run(invocation) {
    const { layers, env, output } = invocation;
    const options = resolveSection(BENCH, layers);
    const { distill, alone } = options;
    const notice = (text: string) => output.notice(text);
    const what = options.what ?? (distill === undefined ? WORK_NAMES.join(",") : "distill");
    const asked = listed("what", what, [...WORK_NAMES, DATA_WORK]);
    if (asked.includes(DATA_WORK)) return timeData(asked, options, invocation);
    const works = asked.filter((name) => name !== DATA_WORK);
    const methods = listed("distill", distill ?? METHOD, [...methodNames(), ALL]);
    const engines = listed("engine", options.engine, ENGINES);
    const precisions = listed("precision", options.precision, PRECISIONS);
    const { runBench } = await import("../../bench/bench.js");
    const document = runBench(
      {
        works,
        engines,
        precisions,
        gpu: options.gpu,
        teacher: options.model_t,
        student: options.model_s,
        methods: {
          names: methods.includes(ALL) ? methodNames() : methods,
          besideKd: distill !== undefined && !alone,
          onlyFitting: methods.includes(ALL),
        },
        ...{ ahead: options.teacher_ahead, imageSize: options.image_size },
        batchSize: options.batch_size,
        steps: options.steps,
        testImages: options.test_images,
        repeats: options.repeats,
      },
      { env, notice },
    );
    const question = { words: sameSetting(options), env, notice };
    const results = alone ? document.results : await withMemory(document.results, question);
    const told = { ...document, results, ...(alone && { processMemoryMb: processMemoryMb() }) };
    output.result(textOf(told, output.width), told);
    return undefined;
  },
};
