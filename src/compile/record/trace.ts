import { takingMemory } from "../../common/deviceMemory.js";
import { sizeOf } from "../../common/shapes.js";
import { opNamed } from "../../ops/ops.js";
import type { OpInputs } from "../../ops/shapes.js";
import { positionsOf } from "../../ops/signature.js";
import {
  DT,
  type NativeAttribute,
  type NativeBackend,
  type NativeBinding,
  type NativeTensor,
  nativeBackend,
  withBinding,
} from "../../runtime/native.js";
import { scatterRows } from "../../runtime/rows.js";
import { type Tensor, tf, type Update, type Variable } from "../../runtime/tf.js";
import { type AttributeValue, constNode, type GraphNode, outputRef, placeholder, readNode } from "../graph/graph.js";
import type { Entry, FeedSpec } from "../types.js";
import type { RecordedStep } from "./recordedStep.js";

/** The compiler's folder, as frames of a stack name it. */
const OWN_FOLDER = new URL("..", import.meta.url).href;

/** Frames of the compiler or of built-in functions. */
const isInternal = (frame: string): boolean =>
  frame.includes(OWN_FOLDER) || /node_modules|node:internal|<anonymous>\)|\(native\)|\/nn\/defineOp\./.test(frame);

/** The first line of the step's own code on a stack, as "file:line:column". */
function ownLine(stack: string): string {
  const frame = stack
    .split("\n")
    .slice(1)
    .find((line) => !isInternal(line));
  return frame?.replace(/^.*?\(?((?:file:\/\/)?\/[^)]*)\)?$/, "$1").trim() ?? "unknown";
}

/** A line of the step's own code, found when it is asked for. */
type Caller = () => string;

/** Captures the stack; formatting it costs several times as much as recording an op, and only errors need it. */
function callerHere(): Caller {
  const depth = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  const here = new Error();
  Error.stackTraceLimit = depth;
  return () => ownLine(here.stack ?? "");
}

/** A step that cannot be recorded, with the op and the line: a defect of the step's code, not of the user. */
export class TraceError extends Error {
  override readonly name = "TraceError";

  constructor(what: string, caller: Caller = callerHere()) {
    super(`A step cannot be compiled: ${what} (${caller()}).`);
  }
}

/** Values of a symbolic tensor, made only when an op has to run. */
type Values = () => ArrayBufferView;

/** Symbolic tensors: a shape, a type and an id without data, which is all that tracing needs of most tensors. */
interface SymbolicTensors {
  /** @param values for an op that has to run; zeros by default @returns the id of a new one */
  make(shape: readonly number[], dtype: number, values?: Values): number;
  /** Outputs of an op with shape inference; undefined where the op has to run. */
  outputs(op: string, inputs: OpInputs, count: number): NativeTensor[] | undefined;
  /** Runs something with real tensors in place of symbolic ones, and disposes of them. */
  withReal<Result>(ids: readonly number[], run: (real: number[]) => Result): Result;
}

/** Ids from 0 on belong to tensors of the native library, which the backend deletes; -1 is a tensor without an id. */
const FIRST_ID = -2;

const zerosOf = (size: number, dtype: number): ArrayBufferView => {
  if (dtype === DT.float) return new Float32Array(size);
  return dtype === DT.int32 ? new Int32Array(size) : new Uint8Array(size);
};

/** Types and shapes of an op's outputs, by the op table's shape inference. */
function inferred(op: string, inputs: OpInputs, count: number): Omit<NativeTensor, "id">[] | undefined {
  const row = opNamed(op);
  const types = row && positionsOf(row.signature.outputs, inputs.attribute);
  const shapes = row?.shapes?.(inputs);
  if (types === undefined || shapes === undefined || shapes.length < count) return undefined;
  const outputs = types.slice(0, count).flatMap(({ type }, i) => {
    return type === undefined ? [] : [{ shape: [...(shapes[i] as number[])], dtype: type }];
  });
  return outputs.length === count ? outputs : undefined;
}

function createSymbolicTensors(binding: NativeBinding): SymbolicTensors {
  const known = new Map<number, { shape: readonly number[]; dtype: number; values: Values }>();
  const make: SymbolicTensors["make"] = (shape, dtype, values = () => zerosOf(sizeOf(shape), dtype)) => {
    const id = FIRST_ID - known.size;
    known.set(id, { shape, dtype, values });
    return id;
  };
  const upload = (id: number): number => {
    const tensor = known.get(id);
    if (tensor === undefined) return id;
    const values = tensor.values();
    return takingMemory("to record a step", values.byteLength, () =>
      binding.createTensor([...tensor.shape], tensor.dtype, values),
    );
  };
  return {
    make,
    outputs: (op, inputs, count) =>
      inferred(op, inputs, count)?.map(({ shape, dtype }) => ({ id: make(shape, dtype), shape, dtype })),
    withReal(ids, run) {
      const real: number[] = [];
      try {
        for (const id of ids) real.push(upload(id));
        return run(real);
      } finally {
        real.forEach((id, i) => {
          if (id !== ids[i]) binding.deleteTensor(id);
        });
      }
    },
  };
}

interface Recorded {
  readonly ref: string;
  readonly shape: readonly number[];
  /** Values of a small integer constant made on the host, for shape inference. */
  readonly constant?: readonly number[];
}

interface Trace {
  readonly nodes: readonly GraphNode[];
  readonly reads: ReadonlyMap<Variable, string>;
  /** @returns the node's name */
  add(node: GraphNode): string;
  nameFor(op: string): string;
  /** Maps a tensor to the output of a node. */
  know(id: number, recorded: Recorded): void;
  /** Makes a variable readable by its tensor's id. */
  offer(id: number, variable: Variable, handle: string): void;
  /** The node of a tensor; a variable is read at its first use. @throws TraceError for an unknown tensor */
  resolve(id: number, user: string): Recorded;
}

function createTrace(prefix: string): Trace {
  const nodes: GraphNode[] = [];
  const reads = new Map<Variable, string>();
  const known = new Map<number, Recorded>();
  const readable = new Map<number, { variable: Variable; handle: string }>();
  const add = (node: GraphNode): string => {
    nodes.push(node);
    return node.name;
  };
  const read = (variable: Variable, handle: string): Recorded => {
    const ref = add(readNode(`${prefix}/read/${reads.size}`, [handle], variable.shape));
    reads.set(variable, ref);
    return { ref, shape: variable.shape };
  };
  return {
    nodes,
    reads,
    add,
    nameFor: (op) => `${prefix}/${op}_${nodes.length}`,
    know: (id, recorded) => known.set(id, recorded),
    offer: (id, variable, handle) => readable.set(id, { variable, handle }),
    resolve(id, user) {
      const found = known.get(id);
      if (found !== undefined) return found;
      const offered = readable.get(id);
      if (offered === undefined) {
        throw new TraceError(`${user} uses a tensor that is neither a feed nor a variable nor made by the step`);
      }
      const recorded = read(offered.variable, offered.handle);
      known.set(id, recorded);
      return recorded;
    },
  };
}

/** The backend's tensors; `values` is null once they are on the device. */
interface HostBackend {
  readonly tensorMap: {
    get(dataId: object): { readonly values: ArrayBufferView | null; readonly dtype: number } | undefined;
  };
}

/** Tensors that stay on the host during tracing, as symbolic tensors. */
type HeldTensors = { idOf(tensor: Tensor): number | undefined };

/** Variables and feeds not used yet stay on the host: tracing needs only shapes, which saves a GPU a round trip. */
function holdTensors(tensors: Iterable<Tensor>, backend: NativeBackend, symbolic: SymbolicTensors): HeldTensors {
  const { tensorMap } = backend as unknown as HostBackend;
  const ids = new Map<object, number>();
  for (const { dataId, shape } of tensors) {
    const { values, dtype = DT.float } = tensorMap.get(dataId) ?? {};
    if (values != null)
      ids.set(
        dataId,
        symbolic.make(shape, dtype, () => values),
      );
  }
  return { idOf: ({ dataId }) => ids.get(dataId) };
}

/** The members of the tfjs backend that upload host data at its first use. */
interface UploadingBackend {
  move(dataId: object, ...rest: unknown[]): void;
  getInputTensorIds(tensors: Tensor[]): number[];
  readonly tensorMap: { get(dataId: object): { readonly values: unknown } | undefined };
}

/** Runs with earlier host tensors refused, which would be uploaded as constants. @throws TraceError if one is used */
function refusingEarlierTensors<T>(run: () => T, { idOf }: HeldTensors): T {
  const backend = nativeBackend() as unknown as UploadingBackend;
  const { move, getInputTensorIds } = backend;
  const made = new WeakSet<object>();
  backend.move = (dataId, ...rest) => {
    made.add(dataId);
    move.call(backend, dataId, ...rest);
  };
  backend.getInputTensorIds = (tensors) => {
    return tensors.map((tensor) => {
      const held = idOf(tensor);
      if (held !== undefined) return held;
      const { dataId, shape } = tensor;
      const isPending = backend.tensorMap.get(dataId)?.values != null;
      if (isPending && !made.has(dataId)) {
        throw new TraceError(
          `the step captures a tensor of shape [${shape}] that was made before it; pass it as a feed or a variable`,
        );
      }
      return getInputTensorIds.call(backend, [tensor])[0] as number;
    });
  };
  try {
    return run();
  } finally {
    backend.move = move;
    backend.getInputTensorIds = getInputTensorIds;
  }
}

/** An attribute as a graph holds it. @throws TraceError for a kind that no op used so far has */
function attributeValue({ name, type, value }: NativeAttribute): AttributeValue {
  const { binding } = nativeBackend();
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
      throw new TraceError(`the attribute ${name} has a kind (${type}) that graphs here cannot hold`);
  }
}

/** Longest host constant whose values are kept for shape inference. */
const SMALL = 8;

/** The values of a small integral constant of any type. */
function integersOf(values: ArrayBufferView): number[] | undefined {
  if (!(values instanceof Int32Array || values instanceof Float32Array)) return undefined;
  return values.length <= SMALL && values.every(Number.isInteger) ? [...values] : undefined;
}

type Recording = Pick<NativeBinding, "executeOp" | "createTensor" | "tensorDataSync">;

/** Members of a binding that trace ops, run only those without shape inference, and refuse reads of values. */
const recordingBinding = (binding: NativeBinding, trace: Trace, symbolic: SymbolicTensors): Recording => ({
  executeOp(op, attributes, inputIds, count) {
    const inputs = inputIds.map((id) => trace.resolve(id, op));
    const values = new Map(attributes.map(({ name, value }) => [name, value]));
    const view: OpInputs = {
      shapes: inputs.map(({ shape }) => shape),
      constant: (index) => inputs[index]?.constant,
      attribute: (name) => values.get(name),
    };
    const outputs =
      symbolic.outputs(op, view, count) ??
      symbolic.withReal(inputIds, (real) => binding.executeOp(op, attributes, real, count));
    const name = trace.add({
      name: trace.nameFor(op),
      op,
      inputs: inputs.map(({ ref }) => ref),
      attributes: Object.fromEntries(attributes.map((attribute) => [attribute.name, attributeValue(attribute)])),
      shapes: outputs.map(({ shape }) => shape),
      caller: callerHere(),
    });
    outputs.forEach(({ id, shape }, i) => {
      trace.know(id, { ref: outputRef(name, i), shape });
    });
    return outputs;
  },
  createTensor(shape, dtype, values) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    const id = symbolic.make([...shape], dtype, () => values);
    const ref = trace.add(constNode(trace.nameFor("Const"), { dtype, shape: [...shape], bytes }));
    const constant = integersOf(values);
    trace.know(id, { ref, shape: [...shape], ...(constant && { constant }) });
    return id;
  },
  tensorDataSync() {
    throw new TraceError("the step reads a tensor's values while it is recorded");
  },
});

/** Element types of feeds in TensorFlow's C API. */
export const FEED_TYPES = { float32: DT.float, int32: DT.int32 } as const;

/** VarHandleOp of each variable that a step may touch. */
export type Handles = ReadonlyMap<Variable, string>;

const idsOf = (tensors: readonly Tensor[]): number[] => nativeBackend().getInputTensorIds([...tensors]);

const idOf = (tensor: Tensor): number => idsOf([tensor])[0] as number;

/**
 * Traces one run of an entry's step as graph nodes. Only ops without shape inference run and upload data.
 * @param handles VarHandleOp of each variable the step may touch
 * @throws TraceError when the step reads data, uses a tensor made elsewhere, or updates an unknown variable
 */
export function recordStep(prefix: string, entry: Entry, handles: Handles): RecordedStep {
  let recorded: RecordedStep | undefined;
  tf.tidy(() => {
    recorded = recordInScope(prefix, entry, handles);
  });
  return recorded as unknown as RecordedStep;
}

function recordInScope(prefix: string, entry: Entry, handles: Handles): RecordedStep {
  const specs: Record<string, FeedSpec> = { ...entry.perStep, ...entry.shared };
  const feeds = feedTensors(specs);
  const symbolic = createSymbolicTensors(nativeBackend().binding);
  const given = [...handles.keys(), ...Object.values(feeds)];
  const held = holdTensors(given, nativeBackend(), symbolic);
  const idOfHeld = (tensor: Tensor): number => held.idOf(tensor) ?? idOf(tensor);
  const trace = createTrace(prefix);
  const placeholders = Object.entries(specs).map(([name, { shape, dtype }]) => {
    const ref = trace.add(placeholder(`${prefix}/feed/${name}`, FEED_TYPES[dtype], shape));
    trace.know(idOfHeld(feeds[name] as Tensor), { ref, shape });
    return [name, ref] as const;
  });
  for (const [variable, handle] of handles) trace.offer(idOfHeld(variable), variable, handle);
  const updates = run(() => entry.step(feeds), trace, symbolic, held);
  return {
    nodes: trace.nodes,
    feeds: Object.fromEntries(placeholders),
    updates: updates.map(
      ([variable, value]) =>
        [knownVariable(handles, variable), trace.resolve(idOfHeld(value), "an update").ref] as const,
    ),
    reads: trace.reads,
  };
}

const feedTensors = (specs: Readonly<Record<string, FeedSpec>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(specs).map(([name, { shape, dtype }]) => [name, tf.zeros([...shape], dtype)]));

const run = (
  step: () => readonly Update[],
  trace: Trace,
  symbolic: SymbolicTensors,
  held: HeldTensors,
): readonly (readonly [Variable, Tensor])[] =>
  withBinding(
    (binding) => recordingBinding(binding, trace, symbolic),
    () =>
      refusingEarlierTensors(() => {
        // A graph has one scatter op for rows; rowsInPlace splits it again.
        const updates = step().map(([variable, value, rows]): [Variable, Tensor] => [
          variable,
          rows === undefined ? value : scatterRows(variable, rows, value),
        ]);
        // Host constants that no op has used yet become nodes now.
        idsOf(updates.map(([, value]) => value));
        return updates;
      }, held),
  );

function knownVariable(handles: Handles, variable: Variable): Variable {
  if (handles.has(variable)) return variable;
  throw new TraceError(`the step updates ${variable.name}, which is not among its variables`);
}
