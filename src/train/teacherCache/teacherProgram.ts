import { compile } from "../../compile/program.js";
import type { EngineName, PrecisionName } from "../../compile/types.js";
import type { ImageShape } from "../../data/dataset.js";
import { KEPT_VIEWS, type KeptView } from "../../distill/views.js";
import type { FrozenModel } from "../../learn/learners.js";
import { type Tensor4D, tf, type Variable } from "../../runtime/tf.js";
import { type Outputs, sizesOf } from "./store.js";

export interface TeacherProgram {
  /** All outputs. @param images [batchSize, height, width, 3], normalised */
  run(images: Float32Array): Outputs;
  dispose(): void;
}

export interface Arithmetic {
  readonly engine: EngineName;
  readonly precision: PrecisionName;
  readonly batchSize: number;
}

/** Above 1, so that XLA compiles its loop; calls take one. */
const STEPS_PER_CALL = 2;
const ALL_OUTPUTS = Object.keys(KEPT_VIEWS) as KeptView[];

/** Compiles a frozen teacher like the training, with all outputs: the same program for every method. */
export function compileTeacher(
  { model, variables }: FrozenModel,
  { engine, precision, batchSize }: Arithmetic,
  { height, width, channels }: ImageShape,
): TeacherProgram {
  const results = new Map(
    Array.from(sizesOf(model, ALL_OUTPUTS), ([name, size]): [KeptView, Variable] => [
      name,
      tf.tidy(() => tf.variable(tf.zeros([batchSize, size]), false)),
    ]),
  );
  const program = compile(engine, {
    name: `${model.name}_outputs`,
    precision,
    entries: {
      outputs: {
        step: ({ images }) => {
          const output = model.forward(images as Tensor4D, { training: false, updates: [] });
          return Array.from(results, ([name, result]) => [result, output[name]]);
        },
        perStep: { images: { shape: [batchSize, height, width, channels], dtype: "float32" } },
        shared: {},
        stepsPerCall: STEPS_PER_CALL,
      },
    },
    variables: { constants: variables, results: [...results.values()] },
  });
  for (const group of ["constants", "results"]) program.push(group);
  return {
    run(images) {
      program.run("outputs", { images }, 1);
      program.pull("results");
      return new Map(Array.from(results, ([name, result]) => [name, result.dataSync() as Float32Array]));
    },
    dispose() {
      program.dispose();
      tf.dispose([...results.values()]);
    },
  };
}
