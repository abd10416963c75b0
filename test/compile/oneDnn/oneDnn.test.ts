import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { attributeReader, type GraphNode, nodeOf, nodesByName } from "#pefd/compile/graph/graph.js";
import { type Machine, observePasses, passesOf } from "#pefd/compile/passes/passes.js";
import type { RecordedStep } from "#pefd/compile/record/recordedStep.js";
import { procedures } from "#pefd/distill/registry.js";
import { MODELS } from "#pefd/models/registry.js";
import { standardOp } from "#pefd/ops/ops.js";
import { hasMatrixUnits } from "#pefd/runtime/device.js";
import { DT } from "#pefd/runtime/native.js";
import { REDUCED_PRODUCTS } from "#pefd/runtime/ownModule.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { casesOf, spreadOf, tellRest } from "../../helpers/matrices.js";
import { runProgram } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { checkGraph } from "../checkParts.js";
import {
  dismiss,
  noiseImages,
  openTraining,
  type Pupil,
  smallestOfFamilies,
  studentPupil,
  teacherPupil,
} from "../scenes.js";
import { elementType } from "./nodes.js";

before(() => {
  loadTensorFlow();
});

/** A processor with AMX whose units our own kernels use. */
const OURS: Machine = {
  ownOps: true,
  matrixUnits: true,
  reduced: REDUCED_PRODUCTS.AMX,
  bfloat16Activations: true,
  graphOptimizer: true,
};
/** The same where nothing of ours uses them. */
const THEIRS: Machine = { ...OURS, reduced: undefined, bfloat16Activations: false };

/** A processor with AVX-512 VNNI alone. */
const PAIRS: Machine = {
  ownOps: true,
  matrixUnits: false,
  bfloat16Activations: false,
  graphOptimizer: true,
  reduced: REDUCED_PRODUCTS.VNNI,
};

/** One that rounds to bfloat16 besides. */
const BFLOAT16: Machine = { ...PAIRS, bfloat16Activations: true };

/** The steps of a pupil's training and evaluation, as they are recorded. */
function recordedSteps(create: () => Pupil): RecordedStep[] {
  const steps: RecordedStep[] = [];
  const end = observePasses((step, after) => {
    if (after === undefined) steps.push(step);
  });
  const pupil = create();
  try {
    const train = noiseImages(6, 1);
    openTraining(pupil, { engine: "graph", train, batchSize: 4 }).dispose();
  } finally {
    end();
    dismiss(pupil);
  }
  return steps;
}

const parted = <Item>(items: readonly Item[], is: (item: Item) => boolean) =>
  [items.filter(is), items.filter((item) => !is(item))] as const;

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
    ...is(isGradient(node) && read("padding") === "EXPLICIT", "is a gradient with explicit padding"),
    ...is(isGradient(node) && dilations.some((size) => size > 1), "is a gradient with dilations"),
  ].map((what) => `${node.name} (${node.op}) ${what}`);
}

const methods = spreadOf(procedures(), 6);

/** Transformers have one convolution only, that of their patches. */
const families = smallestOfFamilies().filter((name) => MODELS.row(name).patch === undefined);

const pupils: readonly (readonly [string, () => Pupil])[] = [
  ...families.map((name) => [name, () => teacherPupil(name)] as const),
  ...methods.cases.map(({ name }) => [name, () => studentPupil(name)] as const),
];

/** The nodes of a pupil's steps as a machine computes them in bfloat16. */
const nodesOn = (machine: Machine, steps: readonly RecordedStep[]): GraphNode[] =>
  steps.flatMap((step) => passesOf("graph", "bfloat16", machine).reduce((given, pass) => pass(given), step).nodes);

/** Whether one of our own ops multiplies in bfloat16, or is of a kind that is left in float32: depthwise, in groups. */
const isOursAsMeant = (node: GraphNode, nodes: ReadonlyMap<string, GraphNode>): boolean => {
  if (attributeReader(node)("reduced") === true) return true;
  if (node.op.includes("Depthwise")) return true;
  const shapeOf = (input: number) => nodes.get(nodeOf(node.inputs[input] ?? ""))?.shapes?.[0] ?? [];
  const own = node.shapes?.[0] ?? [];
  const images = node.op.includes("BackpropInput") ? own : shapeOf(0);
  const filter = node.op.includes("BackpropFilter") ? own : shapeOf(1);
  const isInGroups = images[3] !== filter[2];
  return isInGroups || filter.slice(2).some((channels) => channels % 16 !== 0);
};

for (const [name, create] of pupils) {
  test(`${name}: with units for matrices no convolution or gradient in bfloat16 is TensorFlow's own`, () => {
    const steps = recordedSteps(create);
    const theirs = nodesOn(THEIRS, steps);
    const convolutions = theirs.filter(isConvolution);
    assert.ok(convolutions.filter(isGradient).length > 0, "there are gradients");
    assert.deepEqual(convolutions.flatMap(hindrances), []);
    const all = nodesOn(OURS, steps);
    const byName = nodesByName(all);
    const [own, rest] = parted(all.filter(isConvolution), ({ op }) => op.startsWith("Pefd"));
    assert.ok(own.length > rest.length, "most are ours");
    assert.deepEqual(rest.flatMap(hindrances), []);
    assert.deepEqual(
      own.filter((node) => !isOursAsMeant(node, byName)).map(({ name, op }) => `${name} (${op})`),
      [],
    );
    const others = [...theirs, ...all].filter(
      (node) => elementType(node) === DT.bfloat16 && !isConvolution(node) && !node.op.startsWith("Pefd"),
    );
    assert.deepEqual([...new Set(others.map(({ op }) => op))], []);
  });
}

for (const [name, create] of pupils) {
  test(`${name}: with products of pairs alone our own convolutions are reduced, and nothing is in bfloat16`, () => {
    const nodes = nodesOn(PAIRS, recordedSteps(create));
    const byName = nodesByName(nodes);
    const own = nodes.filter((node) => isConvolution(node) && node.op.startsWith("Pefd"));
    assert.ok(own.length > 0);
    assert.deepEqual(
      own.filter((node) => !isOursAsMeant(node, byName)).map(({ name, op }) => `${name} (${op})`),
      [],
    );
    const others = nodes.filter((node) => elementType(node) === DT.bfloat16);
    assert.deepEqual([...new Set(others.map(({ op }) => op))], []);
  });
}

const isOwn = ({ op }: GraphNode): boolean => op.startsWith("Pefd");

/** The nodes of a step as a machine computes it in bfloat16; the graph is checked after every pass. */
const checkedNodes = (machine: Machine, recorded: RecordedStep): readonly GraphNode[] =>
  passesOf("graph", "bfloat16", machine).reduce((given, pass) => {
    const step = pass(given);
    checkGraph(step, pass.name);
    return step;
  }, recorded).nodes;

for (const [name, create] of pupils) {
  test(`${name}: images in bfloat16 are those of our own ops, and every other op has its types`, () => {
    const recorded = recordedSteps(create);
    for (const [machine, isOthers] of [
      [BFLOAT16, () => false],
      [OURS, isConvolution],
    ] as const) {
      const shares = recorded.map((step) => {
        const nodes = checkedNodes(machine, step);
        const narrow = nodes.filter((node) => elementType(node) === DT.bfloat16);
        const [own, others] = parted(narrow, isOwn);
        assert.deepEqual(
          others.filter((node) => !isOthers(node)).map(({ op }) => op),
          [],
        );
        return own.length / nodes.filter(isOwn).length;
      });
      // Small images are not worth a cast.
      if (name === "resnet8") assert.ok((shares[0] as number) > 0.25, String(shares));
    }
  });
}

/** A step whose first convolution, of three channels, is TensorFlow's. */
function withTheirFirst(step: RecordedStep): RecordedStep {
  const byName = nodesByName(step.nodes);
  const filterOf = ({ op, inputs, shapes }: GraphNode) =>
    op.endsWith("Filter") ? shapes?.[0] : byName.get(nodeOf(inputs[1] ?? ""))?.shapes?.[0];
  const isFirst = (node: GraphNode) => isConvolution(node) && filterOf(node)?.[2] === 3;
  const nodes = step.nodes.map((node) => (isFirst(node) ? { ...node, op: standardOp(node.op) } : node));
  return { ...step, nodes };
}

test("between a convolution of TensorFlow's in bfloat16 and one of ours nothing is cast", () => {
  const [step] = recordedSteps(() => teacherPupil("resnet8")).map((each) => checkedNodes(OURS, withTheirFirst(each)));
  const nodes = step ?? [];
  const byName = nodesByName(nodes);
  const castTo = (node: GraphNode | undefined) => node && attributeReader(node)("DstT");
  const lowered = nodes.filter((node) => castTo(node) === DT.bfloat16);
  assert.ok(lowered.length > 0);
  const isCastTwice = ({ inputs }: GraphNode) => castTo(byName.get(nodeOf(inputs[0] ?? ""))) === DT.float;
  assert.deepEqual(lowered.filter(isCastTwice), []);
  const between = nodes.filter((node) => {
    const made = byName.get(nodeOf(node.inputs[0] ?? ""));
    return isOwn(node) && made?.op === "Conv2D" && elementType(made) === DT.bfloat16;
  });
  assert.ok(between.length > 0, "one of ours takes what one of TensorFlow's makes");
});

const PROGRAM = fileURLToPath(new URL("./rewritten.js", import.meta.url));
/** Has TensorFlow say which nodes it hands to oneDNN. */
const TELLING = { TF_CPP_MIN_LOG_LEVEL: "0", TF_CPP_VMODULE: "mkl_layout_pass=1" };

const { cases, rest } = casesOf(smallestOfFamilies(), 1);
const skip = hasMatrixUnits() ? false : "this processor has no units for matrices (AMX)";
/** What our convolutions leave to oneDNN, which may be nothing, and all of them where none is ours; at least so many. */
const LEFT: readonly (readonly [what: string, env: Record<string, string>, fewest: number])[] = [
  ["what ours leave", {}, 0],
  ["all", { PEFD_CONVOLUTIONS: "tensorflow" }, 11],
];

for (const name of cases) {
  for (const [what, variables, fewest] of LEFT) {
    test(`${name}: TensorFlow hands ${what} to oneDNN`, { skip }, async (t) => {
      const log = join(temporaryFolder(t), "log");
      // A pipe that is read slowly loses some of what TensorFlow says.
      const { exitCode, stdout } = await runProgram(
        "sh",
        ["-c", 'exec "$0" "$@" 2>"$LOG"', process.execPath, PROGRAM, name],
        { env: { ...process.env, ...TELLING, ...variables, LOG: log } },
      );
      const stderr = readFileSync(log, "utf8");
      assert.equal(exitCode, 0, stderr);
      const reduced = Array.from(stdout.matchAll(/^bfloat16 (\S+)$/gm), ([, node]) => node);
      const taken = new Set(Array.from(stderr.matchAll(/rewrote node (\S+)/g), ([, node]) => node));
      assert.ok(reduced.length >= fewest, String(reduced.length));
      assert.deepEqual(
        reduced.filter((node) => !taken.has(node)),
        [],
      );
    });
  }
}

tellRest([...methods.rest, ...rest]);
