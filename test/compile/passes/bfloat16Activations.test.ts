import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type GraphNode, placeholder } from "#pefd/compile/graph/graph.js";
import {
  bfloat16Activations,
  bfloat16Nodes,
  dropCastPairs,
  dropEqualReshapes,
} from "#pefd/compile/passes/bfloat16Activations.js";
import type { RecordedStep } from "#pefd/compile/record/recordedStep.js";
import { loadTensorFlow, tf, type Variable } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const FLOAT = { type: 1 };
const BFLOAT16 = { type: 14 };
const LARGE = [64, 32, 32, 16];
const FILTER = [3, 3, 16, 16];

const node = (
  name: string,
  op: string,
  inputs: string[],
  shapes: readonly (readonly number[])[] = [LARGE],
): GraphNode => ({ name, op, inputs, shapes, attributes: { T: FLOAT } });
const feed = (name: string, shape: readonly number[]): GraphNode => placeholder(name, 1, shape);

function stepOf(nodes: GraphNode[], ...assigned: string[]): RecordedStep {
  const updates = assigned.map((ref) => [tf.variable(tf.scalar(0)) as Variable, ref] as const);
  return { nodes, feeds: {}, reads: new Map(), updates };
}

const convolution = (name: string, x: string, images = LARGE) => node(name, "PefdConv2D", [x, "w"], [images]);
const normalized = (name: string, x: string, images = LARGE) =>
  node(name, "PefdBatchNorm", [x, "scale", "offset"], [images, [16], [16], [16]]);

/** Convolutions a0, a1, ... with batch normalisation b0, b1, ... behind each; the images come from elsewhere. */
const BLOCKS = 6;
const chain = (images = LARGE): GraphNode[] => [
  feed("w", FILTER),
  ...["scale", "offset"].map((name) => feed(name, [16])),
  feed("x", images),
  ...Array.from({ length: BLOCKS }, (_, i) => [
    convolution(`a${i}`, i === 0 ? "x" : `b${i - 1}`, images),
    normalized(`b${i}`, `a${i}`, images),
  ]).flat(),
];
const ALL = chain()
  .slice(4)
  .map(({ name }) => name);

const outline = ({ nodes }: Pick<RecordedStep, "nodes">) =>
  nodes.filter(({ op }) => op !== "Placeholder").map(({ name, op, inputs }) => `${name} = ${op}(${inputs.join(", ")})`);

test("images lie in bfloat16 from op to op; weights, statistics and what leaves are in float32", () => {
  const step = stepOf([...chain(), node("mean", "Neg", ["b0:1"], [[16]])], "b5", "b5:2", "mean");
  const lowered = bfloat16Activations(step);
  const lines = outline(lowered);
  assert.deepEqual(lines.slice(0, 5), [
    "x/narrow = Cast(x)",
    "a0/narrow = PefdConv2D(x/narrow, w)",
    "b0/narrow = PefdBatchNorm(a0/narrow, scale, offset)",
    "a1/narrow = PefdConv2D(b0/narrow, w)",
    "b1/narrow = PefdBatchNorm(a1/narrow, scale, offset)",
  ]);
  assert.deepEqual(lines.slice(-3), [
    "b5/narrow = PefdBatchNorm(a5/narrow, scale, offset)",
    "mean = Neg(b0/narrow:1)",
    "b5 = Cast(b5/narrow)",
  ]);
  assert.deepEqual(
    lowered.updates.map(([, ref]) => ref),
    ["b5", "b5/narrow:2", "mean"],
  );
  const attributes = (name: string) => lowered.nodes.find((made) => made.name === name)?.attributes;
  assert.deepEqual(attributes("a3/narrow"), { T: BFLOAT16, Tinput: BFLOAT16 });
  const cast = { Truncate: { bool: false } };
  assert.deepEqual(attributes("x/narrow"), { SrcT: FLOAT, DstT: BFLOAT16, ...cast });
  assert.deepEqual(attributes("b5"), { SrcT: BFLOAT16, DstT: FLOAT, ...cast });
});

test("a tensor is cast once, whoever takes it, and is waited for under its new name", () => {
  const waiting: GraphNode = { ...node("n", "Neg", ["b5"]), inputs: ["b5", "^b5"] };
  const more = [node("e", "PefdConv2DBackpropFilter", ["x", "sizes", "b1"], [FILTER])];
  const nodes = [...chain(), ...more, waiting, node("m", "Neg", ["b5"])];
  const lines = outline(bfloat16Activations(stepOf(nodes, "e", "n", "m")));
  assert.equal(lines.filter((line) => line.endsWith("Cast(x)")).length, 1);
  assert.ok(lines.includes("e/narrow = PefdConv2DBackpropFilter(x/narrow, sizes, b1/narrow)"));
  assert.equal(lines.filter((line) => line.endsWith("Cast(b5/narrow)")).length, 1);
  assert.ok(lines.includes("n = Neg(b5, ^b5/narrow)"), lines.join("\n"));
  assert.ok(lines.includes("m = Neg(b5)"));
});

test("a model's first images stay in float32, what is made of them does not", () => {
  const first = [
    feed("pixels", [64, 32, 32, 3]),
    feed("taps", [3, 3, 3, 16]),
    node("x", "PefdConv2D", ["pixels", "taps"], [LARGE]),
  ];
  const gradients = [
    node("g", "PefdConv2DBackpropFilter", ["pixels", "sizes", "b0"], [[3, 3, 3, 16]]),
    node("d", "PefdConv2DBackpropInput", ["sizes", "w", "b0"]),
  ];
  const nodes = [...first, ...chain().filter(({ name }) => name !== "x"), ...gradients];
  const lowered = bfloat16Activations(stepOf(nodes, "b5", "g", "d"));
  const lines = outline(lowered);
  assert.ok(lines.includes("x/narrow = PefdConv2D(pixels, taps)"), lines.join("\n"));
  assert.ok(lines.includes("a0/narrow = PefdConv2D(x/narrow, w)"));
  assert.ok(lines.includes("g/narrow = PefdConv2DBackpropFilter(pixels, sizes, b0/narrow)"));
  for (const name of ["x/narrow", "g/narrow", "d/narrow"]) {
    const made = lowered.nodes.find((other) => other.name === name);
    assert.deepEqual(made?.attributes, { T: BFLOAT16 });
  }
});

const chosen = (nodes: GraphNode[], ...kept: string[]) => [...bfloat16Nodes(stepOf(nodes, ...kept)).keys()];

test("images stay in float32 where casts would cost more than is saved", () => {
  assert.deepEqual(chosen(chain(), "b5"), ALL);
  assert.deepEqual(chosen(chain([1, 8, 8, 16]), "b5"), [], "small images");
  assert.deepEqual(chosen(chain().slice(0, 8), "b1"), [], "few ops between others");
  const others = (name: string, from: string) => node(name, "Elu", [from]);
  const side = [others("e", "b5"), convolution("f", "e"), others("g", "f")];
  assert.deepEqual(chosen([...chain(), ...side], "g"), ALL, "one op behind others");
});

test("channels that fill no vectors, groups and scalars stay in float32", () => {
  const odd = chain([64, 32, 32, 24]).map((each) => (each.name === "w" ? feed("w", [3, 3, 24, 24]) : each));
  assert.deepEqual(chosen(odd, "b5"), []);
  const groups = chain().map((each) => (each.name === "w" ? feed("w", [3, 3, 8, 16]) : each));
  assert.ok(!chosen(groups, "b5").some((name) => name.startsWith("a")));
  const attributes = { T: FLOAT, N: { int: 2 }, M: { int: 1 } };
  const followed = (by: string) => [
    ...chain(),
    feed("half", []),
    { ...node("e", "PefdElementwise", ["b5", by]), attributes },
    convolution("f", "e"),
    normalized("g", "f"),
  ];
  assert.ok(!chosen(followed("half"), "g").includes("e"));
  assert.ok(chosen(followed("b4"), "g").includes("e"));
  // A tensor of a shape that nobody knows.
  assert.ok(!chosen(followed("elsewhere"), "g").includes("e"));
});

test("a term of a loss is made in float32 of images in bfloat16", () => {
  const attributes = { T: FLOAT, N: { int: 2 }, M: { int: 1 } };
  const difference = { ...node("e", "PefdElementwise", ["b5", "z"]), attributes };
  const loss = [...chain(), feed("z", LARGE), difference, node("sum", "Sum", ["e", "axes"], [[]])];
  assert.deepEqual(chosen(loss, "sum"), ALL);
  const lines = outline(bfloat16Activations(stepOf(loss, "sum")));
  assert.ok(lines.includes("e = PefdElementwise(b5, z)"), lines.join("\n"));
  assert.ok(lines.includes("b5 = Cast(b5/narrow)"));
});

test("a reshape to the shape that is there is left out, another one stays", () => {
  const nodes = [
    feed("x", LARGE),
    node("same", "Reshape", ["x", "shape"]),
    node("other", "Reshape", ["same", "shape"], [[64, 16384]]),
    node("y", "Neg", ["same"]),
  ];
  const step = dropEqualReshapes(stepOf(nodes, "same", "y"));
  assert.deepEqual(outline(step), ["other = Reshape(x, shape)", "y = Neg(x)"]);
  assert.deepEqual(
    step.updates.map(([, ref]) => ref),
    ["x", "y"],
  );
});

test("what was cast from bfloat16 is not cast back, another cast stays", () => {
  const cast = (name: string, x: string, SrcT: object, DstT: object): GraphNode => ({
    ...node(name, "Cast", [x]),
    attributes: { SrcT, DstT } as GraphNode["attributes"],
  });
  const nodes = [
    placeholder("x", 14, LARGE),
    cast("wide", "x", BFLOAT16, FLOAT),
    cast("back", "wide", FLOAT, BFLOAT16),
    node("y", "Neg", ["back"]),
    node("z", "Neg", ["wide"]),
    cast("narrow", "z", FLOAT, BFLOAT16),
  ];
  const step = dropCastPairs(stepOf(nodes, "back", "narrow"));
  assert.deepEqual(outline(step), ["wide = Cast(x)", "y = Neg(x)", "z = Neg(wide)", "narrow = Cast(z)"]);
  assert.deepEqual(
    step.updates.map(([, ref]) => ref),
    ["x", "narrow"],
  );
});
