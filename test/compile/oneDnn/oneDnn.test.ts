import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { attributeReader, type GraphNode } from "#pefd/compile/graph/graph.js";
import { type Machine, observePasses, passesOf } from "#pefd/compile/passes/passes.js";
import type { RecordedStep } from "#pefd/compile/record/recordedStep.js";
import { procedures } from "#pefd/distill/registry.js";
import { hasMatrixUnits } from "#pefd/runtime/device.js";
import { DT } from "#pefd/runtime/native.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { casesOf, SAMPLED } from "../../helpers/matrices.js";
import { runProgram } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import {
  dismiss,
  noiseImages,
  openLesson,
  type Pupil,
  smallestOfFamilies,
  studentPupil,
  teacherPupil,
} from "../scenes.js";
import { elementType } from "./nodes.js";

before(() => {
  loadTensorFlow();
});

/** A processor with AMX. */
const WITH_UNITS: Machine = { ownOps: true, matrixUnits: true };

/** The steps of a pupil's training and evaluation, as they are recorded. */
function recordedSteps(create: () => Pupil): RecordedStep[] {
  const steps: RecordedStep[] = [];
  const end = observePasses((step, after) => {
    if (after === undefined) steps.push(step);
  });
  const pupil = create();
  try {
    const train = noiseImages(6, 1);
    openLesson(pupil, { engine: "graph", train, batchSize: 4 }).dispose();
  } finally {
    end();
    dismiss(pupil);
  }
  return steps;
}

const isConvolution = ({ op }: GraphNode): boolean => /Conv(2D|2d)|Convolution/.test(op);
const isGradient = ({ op }: GraphNode): boolean => op.includes("Backprop");

/** What keeps a convolution from oneDNN's kernels for bfloat16; nothing where it is theirs. */
function hindrances(node: GraphNode): string[] {
  const read = attributeReader(node);
  const is = (what: boolean, text: string): string[] => (what ? [text] : []);
  const dilations = (read("dilations") ?? []) as readonly number[];
  return [
    ...is(elementType(node) !== DT.bfloat16, "is not in bfloat16"),
    ...is(node.op.startsWith("Pefd"), "is an op of our own"),
    ...is((read("data_format") ?? "NHWC") !== "NHWC", `has the layout ${read("data_format")}`),
    ...is(
      isGradient(node) && read("padding") === "EXPLICIT",
      "is a gradient with explicit padding",
    ),
    ...is(isGradient(node) && dilations.some((size) => size > 1), "is a gradient with dilations"),
  ].map((what) => `${node.name} (${node.op}) ${what}`);
}

const pupils: readonly (readonly [string, () => Pupil])[] = [
  ...smallestOfFamilies().map((name) => [name, () => teacherPupil(name)] as const),
  ...procedures().map(({ name }) => [name, () => studentPupil(name)] as const),
];

for (const [name, create] of pupils) {
  test(`${name}: with units for matrices every convolution and gradient in bfloat16 is one of oneDNN's`, () => {
    const steps = recordedSteps(create).map((step) =>
      passesOf("graph", "bfloat16", WITH_UNITS).reduce((given, pass) => pass(given), step),
    );
    const nodes = steps.flatMap((step) => step.nodes);
    const convolutions = nodes.filter(isConvolution);
    assert.ok(convolutions.filter(isGradient).length > 0, "there are gradients");
    assert.deepEqual(convolutions.flatMap(hindrances), []);
    // Whatever else takes bfloat16 would be TensorFlow's own.
    const others = nodes.filter(
      (node) => elementType(node) === DT.bfloat16 && !isConvolution(node),
    );
    assert.deepEqual([...new Set(others.map(({ op }) => op))], []);
  });
}

const PROGRAM = fileURLToPath(new URL("./rewritten.js", import.meta.url));
/** Has TensorFlow say which nodes it hands to oneDNN. */
const TELLING = { TF_CPP_MIN_LOG_LEVEL: "0", TF_CPP_VMODULE: "mkl_layout_pass=1" };

const { cases, rest } = casesOf(smallestOfFamilies(), 1);
const skip = hasMatrixUnits() ? false : "this processor has no units for matrices (AMX)";
for (const name of cases) {
  test(`${name}: TensorFlow hands all of them to oneDNN`, { skip }, async (t) => {
    const log = join(temporaryFolder(t), "log");
    // A pipe that is read slowly loses some of what TensorFlow says.
    const { exitCode, stdout } = await runProgram(
      "sh",
      ["-c", 'exec "$0" "$@" 2>"$LOG"', process.execPath, PROGRAM, name],
      { env: { ...process.env, ...TELLING, LOG: log } },
    );
    const stderr = readFileSync(log, "utf8");
    assert.equal(exitCode, 0, stderr);
    const reduced = Array.from(stdout.matchAll(/^bfloat16 (\S+)$/gm), ([, node]) => node);
    const taken = new Set(Array.from(stderr.matchAll(/rewrote node (\S+)/g), ([, node]) => node));
    assert.ok(reduced.length > 10);
    assert.deepEqual(
      reduced.filter((node) => !taken.has(node)),
      [],
    );
  });
}
for (const name of rest) test(`${name}: the same`, { skip: SAMPLED });
