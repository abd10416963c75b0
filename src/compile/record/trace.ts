import type { OpInputs } from "../../ops/shapes.js";
import {
  copyOfBinding,
  DT,
  type NativeAttribute,
  type NativeBackend,
  type NativeBinding,
  nativeBackend,
} from "../../runtime/native.js";
import { type Tensor, tf, type Update, type Variable } from "../../runtime/tf.js";
import type { AttributeValue, GraphNode } from "../graph/graph.js";
import { constNode, placeholder } from "../graph/graph.js";
import type { Entry, FeedSpec } from "../types.js";
import { createStandIns } from "./standIn.js";
import { callerLine, TraceError } from "./traceError.js";

/** A step as nodes: what it reads, computes and assigns. */
export interface RecordedStep {
  readonly nodes: readonly GraphNode[];
  /** Placeholder of each feed. */
  readonly feeds: Readonly<Record<string, string>>;
  /** ReadVariableOp of each variable that the step reads. */
  readonly reads: ReadonlyMap<Variable, string>;
  /** New value of each variable that the step updates, as a data reference. */
  readonly updates: readonly (readonly [Variable, string])[];
}

interface Recorded {
  readonly ref: string;
  readonly shape: readonly number[];
  /** Values of small integer constants made on the host; shape rules need them. */
  readonly constant?: readonly number[];
}

/** Element types of feeds in TensorFlow's C API. */
export const FEED_TYPES = { float32: DT.float, int32: DT.int32 } as const;
/** Longest host constant whose values shape rules may ask for. */
const SMALL = 8;

/**
 * Records one run of an entry's step as graph nodes by standing between tfjs and the native library.
 * @param prefix of all node names
 * @param handles VarHandleOp of each variable the step may touch
 * @throws TraceError when the step reads data, uses a tensor made elsewhere, or updates an unknown variable
 */
export function recordStep(
  prefix: string,
  entry: Entry,
  handles: ReadonlyMap<Variable, string>,
): RecordedStep {
  let recorded: RecordedStep | undefined;
  tf.tidy(() => {
    recorded = recordInScope(prefix, entry, handles);
  });
  return recorded as unknown as RecordedStep;
}

function recordInScope(
  prefix: string,
  entry: Entry,
  handles: ReadonlyMap<Variable, string>,
): RecordedStep {
  const backend = nativeBackend();
  const feeds = feedTensors(entry);
  // Uploads everything that may be read, so that whatever is uploaded later was made by the step itself.
  backend.getInputTensorIds([...handles.keys(), ...Object.values(feeds)]);
  const recorder = createRecorder(prefix, backend);
  const specs = Object.entries({ ...entry.perStep, ...entry.shared });
  const placeholders = specs.map(
    ([name, spec]) => [name, recorder.feed(name, spec, feeds[name] as Tensor)] as const,
  );
  recorder.offer(handles);
  const updates = recorder.record(() => entry.step(feeds));
  return {
    nodes: recorder.nodes,
    feeds: Object.fromEntries(placeholders),
    reads: recorder.reads,
    updates: updates.map(
      ([variable, value]) => [knownVariable(handles, variable), recorder.refOf(value)] as const,
    ),
  };
}

function feedTensors(entry: Entry): Record<string, Tensor> {
  const specs: Record<string, FeedSpec> = { ...entry.perStep, ...entry.shared };
  return Object.fromEntries(
    Object.entries(specs).map(([name, { shape, dtype }]) => [name, tf.zeros([...shape], dtype)]),
  );
}

function knownVariable(handles: ReadonlyMap<Variable, string>, variable: Variable): Variable {
  if (handles.has(variable)) return variable;
  throw new TraceError(`the step updates ${variable.name}, which is not among its variables`);
}

function createRecorder(prefix: string, backend: NativeBackend) {
  const binding = backend.binding;
  const nodes: GraphNode[] = [];
  const reads = new Map<Variable, string>();
  const known = new Map<number, Recorded>();
  const readable = new Map<number, { variable: Variable; handle: string }>();
  const made = new WeakSet<object>();
  const standIns = createStandIns(binding);

  const add = (node: GraphNode): string => {
    nodes.push(node);
    return node.name;
  };
  const named = (kind: string): string => `${prefix}/${kind}_${nodes.length}`;
  const idOf = (tensor: Tensor): number => backend.getInputTensorIds([tensor])[0] as number;

  /** The node behind a native tensor; variables are read where they are first used. */
  const resolve = (id: number, op: string): Recorded => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const read = readable.get(id);
    if (read === undefined) {
      throw new TraceError(
        `${op} uses a tensor that is neither a feed nor a variable nor made by the step`,
      );
    }
    const { variable, handle } = read;
    const ref = add({
      name: `${prefix}/read/${reads.size}`,
      op: "ReadVariableOp",
      inputs: [handle],
      attributes: { dtype: { type: DT.float } },
      shapes: [variable.shape],
    });
    reads.set(variable, ref);
    const recorded = { ref, shape: variable.shape };
    known.set(id, recorded);
    return recorded;
  };

  const executeOp: NativeBinding["executeOp"] = (op, attributes, inputIds, count) => {
    const inputs = inputIds.map((id) => resolve(id, op));
    const values = new Map(attributes.map(({ name, value }) => [name, value]));
    const view: OpInputs = {
      shapes: inputs.map((input) => input.shape),
      constant: (index) => inputs[index]?.constant,
      attribute: (name) => values.get(name),
    };
    const outputs =
      standIns.outputs(op, view, count) ?? binding.executeOp(op, attributes, inputIds, count);
    const name = add({
      name: named(op),
      op,
      inputs: inputs.map((input) => input.ref),
      attributes: Object.fromEntries(
        attributes.map((attribute) => [attribute.name, attributeValue(binding, attribute)]),
      ),
      shapes: outputs.map((output) => output.shape),
      caller: callerLine(),
    });
    outputs.forEach(({ id, shape }, i) => {
      known.set(id, { ref: i === 0 ? name : `${name}:${i}`, shape });
    });
    return outputs;
  };

  const createTensor: NativeBinding["createTensor"] = (shape, dtype, values) => {
    const id = binding.createTensor(shape, dtype, values);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    const ref = add(constNode(named("Const"), { dtype, shape: [...shape], bytes }));
    const small = values instanceof Int32Array && values.length <= SMALL;
    known.set(id, { ref, shape: [...shape], ...(small ? { constant: [...values] } : {}) });
    return id;
  };

  const tensorDataSync = (): never => {
    throw new TraceError("the step reads a tensor's values while it is recorded");
  };

  const watch = watchUploads(backend, made);
  return {
    nodes,
    reads,
    feed(name: string, spec: FeedSpec, tensor: Tensor): string {
      const ref = add(placeholder(`${prefix}/feed/${name}`, FEED_TYPES[spec.dtype], spec.shape));
      known.set(idOf(tensor), { ref, shape: spec.shape });
      return ref;
    },
    offer(handles: ReadonlyMap<Variable, string>): void {
      for (const [variable, handle] of handles) readable.set(idOf(variable), { variable, handle });
    },
    record(step: () => readonly Update[]): readonly Update[] {
      backend.binding = { ...copyOfBinding(binding), executeOp, createTensor, tensorDataSync };
      const unwatch = watch();
      try {
        const updates = step();
        // Values that no op has used yet (plain host constants) become nodes now.
        backend.getInputTensorIds(updates.map(([, value]) => value));
        return updates;
      } finally {
        unwatch();
        backend.binding = binding;
        standIns.dispose();
      }
    },
    refOf: (tensor: Tensor): string => resolve(idOf(tensor), "an update").ref,
  };
}

/**
 * Host tensors are uploaded when they are first used, so one made before the recording would pass for a constant of
 * the step. Remembers what is made from now on and refuses the rest.
 */
function watchUploads(backend: NativeBackend, made: WeakSet<object>): () => () => void {
  const target = backend as unknown as {
    move(dataId: object, ...rest: unknown[]): void;
    getInputTensorIds(tensors: Tensor[]): number[];
    tensorMap: { get(dataId: object): { values: unknown } | undefined };
  };
  return () => {
    const { move, getInputTensorIds } = target;
    target.move = (dataId, ...rest) => {
      made.add(dataId);
      move.call(target, dataId, ...rest);
    };
    target.getInputTensorIds = (tensors) => {
      for (const tensor of tensors) {
        const pending = target.tensorMap.get(tensor.dataId)?.values != null;
        if (pending && !made.has(tensor.dataId)) {
          throw new TraceError(
            `the step captures a tensor of shape [${tensor.shape}] that was made before it; pass it as a feed or a variable`,
          );
        }
      }
      return getInputTensorIds.call(target, tensors);
    };
    return () => {
      target.move = move;
      target.getInputTensorIds = getInputTensorIds;
    };
  };
}

/** An attribute as a graph holds it. @throws TraceError for a kind that no op used so far has */
function attributeValue(
  binding: NativeBinding,
  { name, type, value }: NativeAttribute,
): AttributeValue {
  switch (type) {
    case binding.TF_ATTR_STRING:
      return { string: value as string };
    case binding.TF_ATTR_INT:
      return Array.isArray(value) ? { ints: value } : { int: value as number };
    case binding.TF_ATTR_FLOAT:
      return Array.isArray(value) ? { floats: value } : { float: value as number };
    case binding.TF_ATTR_BOOL:
      return Array.isArray(value) ? { bools: value } : { bool: value as boolean };
    case binding.TF_ATTR_TYPE:
      return Array.isArray(value) ? { types: value } : { type: value as number };
    case binding.TF_ATTR_SHAPE:
      return { shape: value as number[] };
    default:
      throw new TraceError(
        `the attribute ${name} has a kind (${type}) that graphs here cannot hold`,
      );
  }
}
