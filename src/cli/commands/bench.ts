import type { BenchDocument } from "../../bench/bench.js";
import { WORK_NAMES } from "../../bench/types.js";
import { inputError } from "../../common/errors.js";
import { choice, integer, section, string } from "../../common/optionRow.js";
import { didYouMean } from "../../common/text/nearest.js";
import { GENERAL, RESULT } from "../../config/commandOptions.js";
import { ENGINES, GPU, PRECISIONS, TEACHER_AHEAD } from "../../config/options.js";
import { resolveSection } from "../../config/resolve.js";
import { renderText } from "../../report/table.js";
import type { Command } from "../command.js";
import { timingTable } from "../timingTable.js";

type Timed<Name extends string> = Exclude<Name, "auto">;

const BENCH = section("Benchmark", {
  what: string(
    WORK_NAMES.join(","),
    "What is timed: distillation, training the teacher, evaluating the student.",
    { flagOnly: true },
  ),
  engine: string(undefined, "Engines to time, with commas between them.", {
    defaultText: "all; xla only on a GPU",
    flagOnly: true,
  }),
  precision: string(undefined, "Precisions to time, with commas between them.", {
    defaultText: "float32, and bfloat16 where the machine has it",
    flagOnly: true,
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
  test_images: integer(undefined, "Images of an evaluation.", {
    min: 1,
    defaultText: "10000 on a GPU, 200 on a processor",
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
  distill: choice<string, string>("methods", "ours", "The distillation method.", {
    flagOnly: true,
  }),
  teacher_ahead: { ...TEACHER_AHEAD, flagOnly: true },
});

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

function textOf({ device, tensorflow, repeats, results }: BenchDocument): string {
  return [
    `${device}, TensorFlow ${tensorflow}`,
    "",
    renderText(timingTable(results)),
    "",
    `Medians of ${repeats}, making the batches included; first step: recording, compiling and one step.`,
  ].join("\n");
}

/** pefd bench: how fast each engine and precision is on this machine. */
export const command: Command = {
  sections: [BENCH, RESULT, GENERAL],
  examples: [
    ["pefd bench", "every engine and precision of this machine, on random images"],
    [
      "pefd bench --what distill --engine graph --batch_size 64 --json",
      "one of them, for a script",
    ],
  ],
  async run({ layers, env, output }) {
    const options = resolveSection(BENCH, layers);
    const works = listed("what", options.what, WORK_NAMES);
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
        method: options.distill,
        ahead: options.teacher_ahead,
        batchSize: options.batch_size,
        steps: options.steps,
        testImages: options.test_images,
        repeats: options.repeats,
      },
      { env, notice: (text) => output.notice(text) },
    );
    output.result(textOf(document), document);
    return undefined;
  },
};
