import { availableParallelism } from "node:os";
import type { BenchDocument } from "../../bench/bench.js";
import type { DataDocument, FedSteps, Reading } from "../../bench/imageReading.js";
import { DATA_WORK, PREDICT_WORK, type Timing, WORK_NAMES } from "../../bench/types.js";
import { inputError, PefdError, runError } from "../../common/errors.js";
import { choice, flag, flagOnly, integer, section, string, type Values } from "../../common/optionRow.js";
import { procText } from "../../common/processMark.js";
import { counted, didYouMean, threeDigits } from "../../common/text.js";
import { DATA, DOCUMENT, GENERAL, IMAGE_SIZE } from "../../config/commandOptions.js";
import { ENGINES, GPU, NUM_WORKERS, PRECISIONS, TEACHER_AHEAD } from "../../config/options.js";
import { resolveSection } from "../../config/resolve.js";
import { sizedDataset } from "../../data/registry.js";
import { skipListIn } from "../../data/skipList.js";
import { methodNames } from "../../distill/registry.js";
import { renderFitted } from "../../report/fit.js";
import { columns, type Table } from "../../report/table.js";
import { lastLine, runCommand } from "../../runtime/command.js";
import type { Command, Invocation } from "../command.js";

interface ProgramTiming extends Omit<Timing, "engine" | "precision"> {
  readonly engine: string;
  readonly precision: string;
  readonly program?: string;
}

const COST_COLUMNS = [">over kd, ms", ">times kd", ">memory over kd, MB"];

const signed = (value: number): string => `${value < 0 ? "-" : "+"}${threeDigits(Math.abs(value))}`;

const costCells = ({ overKd }: Pick<ProgramTiming, "overKd">): string[] =>
  overKd === undefined
    ? ["", "", ""]
    : [signed(overKd.stepMs), overKd.ratio.toFixed(2), overKd.memoryMb === undefined ? "" : signed(overKd.memoryMb)];

const cells = (timing: ProgramTiming): string[] => [
  timing.engine,
  timing.precision,
  String(timing.batchSize),
  threeDigits(timing.stepMs),
  `${threeDigits(timing.stepMsMin)}-${threeDigits(timing.stepMsMax)}`,
  threeDigits(timing.imagesPerSecond),
  threeDigits(timing.firstStepMs),
];

/** A line per timing, with a column for the program where one is named, and what methods cost over kd where timed. */
export function timingTable(timings: readonly ProgramTiming[]): Table {
  const compared = timings.some(({ program }) => program !== undefined);
  const costs = timings.some(({ overKd }) => overKd !== undefined);
  const own = ["engine", "precision", ">batch", ">ms/step", ">min-max", ">images/s"];
  return {
    columns: columns(
      "what",
      ...(compared ? ["program"] : []),
      ...own,
      ">first step, ms",
      ...(costs ? COST_COLUMNS : []),
    ),
    rows: timings.map((timing) => [
      timing.what,
      ...(compared ? [timing.program ?? ""] : []),
      ...cells(timing),
      ...(costs ? costCells(timing) : []),
    ]),
  };
}

interface MemoryQuestion {
  /** Further words of the command line: pair, batch size, GPU. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  notice(text: string): void;
}

/** The document of `pefd bench` in a process of its own; where it fails, the last line of its stderr. */
async function benchElsewhere<Document extends object>(
  words: readonly string[],
  env: MemoryQuestion["env"],
): Promise<Document | string> {
  const line = [process.argv[1] as string, "bench", "--json", "--quiet", ...words];
  const { code, stdout, stderr } = await runCommand(process.execPath, line, { env });
  return code === 0 ? (JSON.parse(stdout) as Document) : lastLine(stderr);
}

/** The used part of `pefd bench --alone --json`. */
type AloneDocument = { readonly processMemoryMb: number; readonly results: readonly Timing[] };

/** Peak memory in MB of a process that trains with one method and variant; on a GPU, of GPU memory. */
async function memoryOf(
  { method, engine, precision, what }: Timing,
  { words, env, notice }: MemoryQuestion,
): Promise<number | undefined> {
  notice(`${what}: ${engine}, ${precision}: memory`);
  const own = ["--distill", method as string, "--engine", engine, "--precision", precision];
  const told = await benchElsewhere<AloneDocument>(["--alone", ...own, ...words], env);
  if (typeof told !== "string") return told.results[0]?.deviceMemoryMb ?? told.processMemoryMb;
  notice(`warning: peak memory of ${method} is unknown: ${told}`);
  return undefined;
}

/** Adds each method's memory over `kd`, measured in a process of its own: this one would reuse freed memory. */
async function withMemory(timings: readonly Timing[], question: MemoryQuestion): Promise<Timing[]> {
  const found: Timing[] = [];
  const ofKd = new Map<string, number | undefined>();
  const isCompared = timings.some(({ overKd }) => overKd !== undefined);
  for (const timing of timings) {
    const memory = isCompared ? await memoryOf(timing, question) : undefined;
    const variant = `${timing.engine} ${timing.precision}`;
    if (timing.overKd === undefined) ofKd.set(variant, memory);
    const base = ofKd.get(variant);
    const isKnown = timing.overKd !== undefined && memory !== undefined && base !== undefined;
    found.push(isKnown ? { ...timing, overKd: { ...timing.overKd, memoryMb: memory - base } } : timing);
  }
  return found;
}

function stepLines({ what, engine, precision, ...times }: FedSteps, batchSize: number): string[] {
  const { stepMs, waitingMs, waitingMsMax, imagesPerSecond, limit } = times;
  const verdict =
    limit === "data"
      ? "Data-bound: steps wait for images. More cores with more --num_workers help, and so do packed or smaller images."
      : "Compute-bound: images are ready before they are needed.";
  return [
    "",
    `${what}: ${engine}, ${precision}, batch ${batchSize}`,
    `  one step       ${threeDigits(stepMs)} ms, ${threeDigits(imagesPerSecond)} images/s`,
    `  data wait      ${threeDigits(waitingMs)} ms of that, ${threeDigits(waitingMsMax)} ms at most`,
    verdict,
  ];
}

function readingLines({ imagesPerProcessorSecond, ...times }: Reading, repeats: number): string[] {
  const { imagesPerSecond, imagesPerSecondMin, imagesPerSecondMax } = times;
  const span = `${threeDigits(imagesPerSecondMin)}-${threeDigits(imagesPerSecondMax)}`;
  return [
    "Data loading only: reading, decoding, training transforms",
    `  ${threeDigits(imagesPerSecond)} images/s (${span} in ${repeats} repeats)`,
    `  ${threeDigits(imagesPerProcessorSecond)} images/s per CPU core`,
  ];
}

const dataBenchText = (document: DataDocument): string =>
  [
    `${document.device}, TensorFlow ${document.tensorflow}`,
    `${document.data} (${document.dataset}), ${document.images} training images, --num_workers ${document.workers}`,
    "",
    ...readingLines(document.reading, document.repeats),
    ...(document.steps ? stepLines(document.steps, document.batchSize) : []),
  ].join("\n");

const KILOBYTES = 1024;

/** Peak memory of this process in MB, from /proc: `resourceUsage` may include the parent process. */
export function processMemoryMb(): number {
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(procText("self/status")) ?? [];
  return Number(kilobytes ?? process.resourceUsage().maxRSS) / KILOBYTES;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

const METHOD = "ours";

const ALL = "all";

type Timed<Name extends string> = Exclude<Name, "auto">;

const BENCH = section("Benchmark", {
  ...flagOnly({
    what: string(
      undefined,
      "What to time: distillation, training the teacher, evaluating the student; or on its own data (reading images) or predict (pefd and onnxruntime).",
      { defaultText: `${WORK_NAMES.join(",")}; only distill with --distill`, valueName: "LIST" },
    ),
    engine: string(undefined, "Engines to time, comma-separated.", {
      defaultText: "all; xla only on a GPU",
      valueName: "LIST",
    }),
    precision: string(undefined, "Precisions to time, comma-separated.", {
      defaultText: "float32, and bfloat16 where supported",
      valueName: "LIST",
    }),
  }),
  gpu: GPU,
  ...flagOnly({
    batch_size: integer(undefined, "Images per training step.", { min: 1, defaultText: "64 on a GPU, 16 on a CPU" }),
    steps: integer(undefined, "Training steps per repeat.", { min: 1, defaultText: "64 on a GPU, 3 on a CPU" }),
    image_size: {
      ...IMAGE_SIZE,
      help: "Image size in pixels.",
      defaultText: "the student's; the data set's with --what data",
    },
    test_images: integer(undefined, "Images per evaluation.", {
      min: 1,
      defaultText: "10000 on a GPU, 200 on a CPU; fewer if they are large",
    }),
    repeats: integer(5, "Repeats; reports the median, fastest and slowest.", { min: 1 }),
    model_t: choice<string, string>("models", "resnet32x4", "The teacher's model; several joined with +.", {
      several: true,
    }),
    model_s: choice<string, string>("models", "resnet8x4", "The student's model."),
    distill: string(undefined, "Methods, comma-separated, or all: the cost of each over kd.", {
      defaultText: "ours, without kd",
      completes: "methods",
      valueName: "LIST",
    }),
    alone: flag("Time one method without kd, and report the process's peak memory."),
    teacher_ahead: TEACHER_AHEAD,
  }),
});

const { image_size: _, ...DATA_ROWS } = DATA.rows;
const READING = section("Data (--what data)", { ...DATA_ROWS, num_workers: NUM_WORKERS });

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
      `--${flagName}: "${unknown}" is not a valid choice.${didYouMean(unknown, known)}`,
      `Choose from ${known.join(", ")}; separate several with commas.`,
    );
  }
  return [...new Set(names)].filter((name) => name !== "auto") as Timed<Name>[];
}

const given = (flags: Readonly<Record<string, string | number | undefined>>): string[] =>
  Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]));

/** Flags with which another process briefly times the same pair and batches. */
function sameSetting(options: Values<typeof BENCH>): string[] {
  const { model_t, model_s, batch_size, image_size, gpu, teacher_ahead } = options;
  const pair = { model_t, model_s, batch_size, image_size, gpu, teacher_ahead };
  const flags = { ...pair, steps: 1, repeats: 1 };
  return given(flags);
}

/** `--json`; with --alone it has the peak memory. */
type Told = BenchDocument & { readonly processMemoryMb?: number };

function textOf(told: Told, width: number | undefined): string {
  const { device, tensorflow, repeats, results, processMemoryMb: memory } = told;
  const { imageSize: side, numClasses } = told;
  return [
    `${device}, TensorFlow ${tensorflow}; images of ${side}x${side}, ${numClasses} classes`,
    "",
    renderFitted(timingTable(results), width),
    "",
    `Medians of ${repeats}, batch preparation included; first step: tracing, compiling and one step.`,
    ...(memory === undefined ? [] : [`Peak memory of the process: ${Math.round(memory)} MB.`]),
  ].join("\n");
}

/** Times data loading. Training is timed only for named models: no default fits every image size. */
async function timeData(options: Values<typeof BENCH>, { layers, flags, env, output }: Invocation): Promise<void> {
  const reading = resolveSection(READING, layers);
  const { dataset, data, num_workers, limit_train, limit_test, skip_list } = reading;
  const [engine = "auto"] = listed("engine", options.engine, ENGINES);
  const [precision = "auto"] = listed("precision", options.precision, PRECISIONS);
  const { runDataBench } = await import("../../bench/imageReading.js");
  const document = await runDataBench(
    {
      row: sizedDataset(dataset, options.image_size),
      data,
      workers: num_workers,
      limits: { limitTrain: limit_train, limitTest: limit_test, skip: skipListIn(skip_list) },
      engine,
      precision,
      gpu: options.gpu,
      batchSize: options.batch_size,
      steps: options.steps,
      repeats: options.repeats,
      method: options.distill ?? METHOD,
      teacher: flags.model_t === undefined ? undefined : options.model_t,
      student: flags.model_s === undefined ? undefined : options.model_s,
    },
    { env, notice: (text) => output.notice(text), cpuSeconds },
  );
  output.result(dataBenchText(document), document);
}

/** Calls of a prediction for each of --repeats. */
const CALLS = 10;
/** Images of a call: one, and as many as `pefd predict` and evaluations take at most. */
const PREDICTED = { alone: 1, many: 50 };

/** Times the student's predictions of one image and of a batch, with one and all threads, here and in onnxruntime. */
async function timePredictions(options: Values<typeof BENCH>, { env, output }: Invocation): Promise<void> {
  const { model_s: student, image_size: imageSize, batch_size = PREDICTED.many } = options;
  const calls = CALLS * options.repeats;
  const threads = [...new Set([1, availableParallelism()])];
  const batches = [...new Set([PREDICTED.alone, batch_size])];
  const { onnxTimings, predictionName } = await import("../../bench/prediction.js");
  const results: ProgramTiming[] = [];
  for (const count of threads) {
    for (const batch of batches) {
      const what = predictionName(student, count);
      output.notice(`${what}: pefd, ${counted(batch, "image")}`);
      const sizes = ["--test_images", `${batch}`, "--repeats", `${calls}`, ...given({ image_size: imageSize })];
      const engines = ["--engine", options.engine ?? "eager,graph", "--precision", options.precision ?? "float32"];
      const words = ["--what", "evaluate", "--model_s", student, ...sizes, ...engines];
      const own = { ...env, TF_NUM_INTRAOP_THREADS: `${count}`, PEFD_RUNTIME: "cpu" };
      const told = await benchElsewhere<BenchDocument>(words, own);
      if (typeof told === "string") throw runError(`pefd was not timed: ${told}`);
      results.push(...told.results.map((timing) => ({ ...timing, what, program: "pefd" })));
    }
  }
  try {
    output.notice("onnxruntime, float32 and int8");
    results.push(...onnxTimings({ student, imageSize, calls, threads, batches }, env));
  } catch (error) {
    if (!(error instanceof PefdError) || error.exitCode !== 3) throw error;
    output.notice(`warning: onnxruntime is not timed. ${error.message} ${error.hint}`);
  }
  const table = renderFitted(timingTable(results), output.width);
  output.result([table, "", `Medians of ${calls} calls; first step: opening and the first call.`].join("\n"), {
    results,
  });
}

/** pefd bench: how fast each engine and precision is on this machine. */
export const command: Command = {
  sections: [BENCH, READING, DOCUMENT, GENERAL],
  examples: [
    ["pefd bench", "every engine and precision of this machine, on random images"],
    ["pefd bench --distill vid,crd", "time and memory of two methods, relative to kd"],
    ["pefd bench --what predict --model_s resnet8x4", "predictions, beside onnxruntime's in float32 and int8"],
    ["pefd bench --what distill --engine graph --batch_size 64 --json", "one configuration, for a script"],
    [
      "pefd bench --what data --dataset folder --data DIR --model_s RESNET18 --batch_size 32",
      "data loading speed, and whether training waits for it",
    ],
  ],
  async run(invocation) {
    const { layers, env, output } = invocation;
    const options = resolveSection(BENCH, layers);
    const { distill, alone } = options;
    const notice = (text: string) => output.notice(text);
    const what = options.what ?? (distill === undefined ? WORK_NAMES.join(",") : "distill");
    const asked = listed("what", what, [...WORK_NAMES, DATA_WORK, PREDICT_WORK]);
    const single = ([PREDICT_WORK, DATA_WORK] as const).find((name) => asked.includes(name));
    if (single !== undefined && asked.length > 1) {
      throw inputError(`--what ${single} cannot be combined with others.`, "Time the others with a separate command.");
    }
    if (single === PREDICT_WORK) return timePredictions(options, invocation);
    if (single === DATA_WORK) return timeData(options, invocation);
    const works = asked.filter((name) => name !== DATA_WORK && name !== PREDICT_WORK);
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
        ahead: options.teacher_ahead,
        imageSize: options.image_size,
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
  },
};
