import { standardOp } from "../../ops/ops.js";
import { DT } from "../../runtime/native.js";
import {
  type GraphNode,
  graphNode,
  intConstant,
  intsConstant,
  nodesByName,
  outputRef,
  shapeBehind,
} from "../graph/graph.js";
import type { Pass } from "../record/recordedStep.js";

type Shape = readonly number[];

/** Axis of an image's channels and of a filter's outputs. */
const CHANNELS = 3;
/** Axis of a filter's inputs. */
const INPUTS = 2;

/** A convolution or one of its gradients: how its inputs split into groups. */
interface GroupedOp {
  /** Channels of all groups and of one, from the shapes of both inputs and the result. */
  readonly channels: (first: Shape, second: Shape, result: Shape) => readonly [number, number];
  /** Indices of the inputs that are split along their last axis. */
  readonly divided: readonly number[];
  /** Index of the input that holds the result's shape. */
  readonly sizes?: number;
}

const channelsOf = (shape: Shape): number => shape[CHANNELS] ?? 0;
const inputsOf = (shape: Shape): number => shape[INPUTS] ?? 0;

const GROUPED: Readonly<Record<string, GroupedOp>> = {
  Conv2D: { channels: (x, filter) => [channelsOf(x), inputsOf(filter)], divided: [0, 1] },
  Conv2DBackpropInput: {
    channels: (_sizes, filter, dx) => [channelsOf(dx), inputsOf(filter)],
    divided: [1, 2],
    sizes: 0,
  },
  Conv2DBackpropFilter: {
    channels: (x, _sizes, filter) => [channelsOf(x), inputsOf(filter)],
    divided: [0, 2],
    sizes: 1,
  },
};

/** Number of groups; 1 for other nodes, and for unknown shapes. */
function groupsOf({ channels }: GroupedOp, node: GraphNode, shapeOf: ShapeOf): number {
  const [first, second] = node.inputs.map(shapeOf);
  const result = node.shapes?.[0];
  const [all, one] = channels(first ?? [], second ?? [], result ?? []);
  return all > 0 && one > 0 ? all / one : 1;
}

type ShapeOf = (ref: string) => Shape | undefined;

const typeOf = ({ attributes: { T = { type: DT.float } } }: GraphNode) => T;

/** An input of a node, split into groups along the axis of a constant. */
function split(node: GraphNode, place: number, { name: axis }: GraphNode, shapes: Shape[]): GraphNode {
  return graphNode(
    `${node.name}/split_${place}`,
    "Split",
    [axis, node.inputs[place] as string],
    { T: typeOf(node), num_split: { int: shapes.length } },
    shapes,
  );
}

function concatenated(node: GraphNode, parts: readonly GraphNode[], { name: axis }: GraphNode): GraphNode {
  return {
    name: node.name,
    op: "ConcatV2",
    inputs: [...parts.map(({ name }) => name), axis],
    attributes: { T: typeOf(node), N: { int: parts.length }, Tidx: { type: DT.int32 } },
    ...(node.shapes && { shapes: node.shapes }),
  };
}

/** TensorFlow's grouped convolution, or its gradient, as one per group: on CPUs it has no such gradients. */
function splitGroups(node: GraphNode, shapeOf: ShapeOf): GraphNode[] {
  const op = GROUPED[node.op];
  const groups = op === undefined ? 1 : groupsOf(op, node, shapeOf);
  if (op === undefined || groups === 1) return [node];
  const partOf = (shape: Shape = []): Shape => shape.with(CHANNELS, channelsOf(shape) / groups);
  const axis = intConstant(`${node.name}/axis`, CHANNELS);
  const splits = op.divided.map((place) => {
    const part = partOf(shapeOf(node.inputs[place] as string));
    return split(node, place, axis, new Array<Shape>(groups).fill(part));
  });
  const result = partOf(node.shapes?.[0]);
  const sizes = op.sizes === undefined ? [] : [intsConstant(`${node.name}/sizes`, result)];
  const inputOf = (group: number, place: number): string => {
    const { name } = (place === op.sizes ? sizes[0] : splits[op.divided.indexOf(place)]) as GraphNode;
    return place === op.sizes ? name : outputRef(name, group);
  };
  const parts = Array.from({ length: groups }, (_, group): GraphNode => {
    const inputs = node.inputs.map((_ref, place) => inputOf(group, place));
    return { ...node, name: `${node.name}/group_${group}`, inputs, shapes: [result] };
  });
  return [axis, ...splits, ...sizes, ...parts, concatenated(node, parts, axis)];
}

/** TensorFlow's ops in place of ours, for exported graphs, GPUs and oneDNN's bfloat16. */
export const useStandardOps: Pass = (step) => {
  const byName = nodesByName(step.nodes);
  const shapeOf = (ref: string) => shapeBehind(byName, ref);
  const standard = (node: GraphNode): GraphNode => ({ ...node, op: standardOp(node.op) });
  return { ...step, nodes: step.nodes.flatMap((node) => splitGroups(standard(node), shapeOf)) };
};
