import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { observeLoopPasses } from "#pefd/compile/loop/recordLoop.js";
import { observePasses } from "#pefd/compile/passes/passes.js";
import type { EngineName, PrecisionName } from "#pefd/compile/types.js";
import { procedures } from "#pefd/distill/registry.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { casesOf, spreadOf, tellRest } from "../../helpers/matrices.js";
import { checkGraph, checkParts } from "../checkParts.js";
import {
  dismiss,
  noiseImages,
  openTraining,
  type Pupil,
  smallestOfFamilies,
  studentPupil,
  teacherPupil,
} from "../scenes.js";

before(() => {
  loadTensorFlow();
});

/** Checks every graph after its recording and after each pass. @returns names of the passes that were checked */
function checkEveryPass(t: TestContext): string[] {
  const seen: string[] = [];
  const nameOf = (pass: { readonly name: string } | undefined): string => pass?.name ?? "recording";
  const ends = [
    observePasses((step, after) => {
      seen.push(nameOf(after));
      checkGraph(step, nameOf(after));
    }),
    observeLoopPasses((parts, after) => {
      seen.push(nameOf(after));
      checkParts(parts, nameOf(after));
    }),
  ];
  t.after(() => {
    for (const end of ends) end();
  });
  return seen;
}

/**
 * Compiles a training.
 * @returns entries of its program: whole batches, the short one where the method has it, and the evaluation
 */
function compiled(pupil: Pupil, engine: EngineName, precision: PrecisionName): number {
  const train = noiseImages(6, 1);
  openTraining(pupil, { engine, precision, train, batchSize: 4 }).dispose();
  dismiss(pupil);
  return pupil.learner.wholeBatches ? 2 : 3;
}

const METHOD_PUPILS = procedures().map(({ name }) => [name, () => studentPupil(name)] as const);
const MODEL_PUPILS = smallestOfFamilies().map((name) => [name, () => teacherPupil(name)] as const);
const methods = spreadOf(METHOD_PUPILS, 6);
const PUPILS = [...methods.cases, ...MODEL_PUPILS];
/** A method, or several with PEFD_MATRICES=many, and a model with depthwise convolutions. */
const SAMPLE = [...casesOf(METHOD_PUPILS, 1, 10).cases, ...MODEL_PUPILS.filter(([name]) => name === "MobileNetV2")];

/** What all pupils are compiled for. */
const isForAll = (engine: EngineName, precision: PrecisionName): boolean =>
  engine === "graph" && precision === "float32";

for (const engine of ["graph", "xla"] as const) {
  for (const precision of ["float32", "bfloat16"] as const) {
    for (const [name, create] of isForAll(engine, precision) ? PUPILS : SAMPLE) {
      test(`${engine}, ${precision}, ${name}: graphs are whole after every pass`, (t) => {
        const seen = checkEveryPass(t);
        const entries = compiled(create(), engine, precision);
        const recordings = seen.filter((pass) => pass === "recording").length;
        // A loop's parts are looked at before their first pass, too.
        assert.equal(recordings, engine === "xla" ? 2 * entries : entries);
        assert.ok(seen.length >= 2 * recordings && !seen.includes(""), seen.join());
      });
    }
  }
}

tellRest(methods.rest);
