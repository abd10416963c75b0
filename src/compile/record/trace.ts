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
import { type AttributeValue, constNode, type GraphNode, outputRef, placeholder } from "../graph/graph.js";
import type { Entry, FeedSpec } from "../types.js";
import type { RecordedStep } from "./recordedStep.js";

/** The compiler's folder, as frames of a stack name it. */
const OWN_FOLDER = new URL("..", import.meta.url).href;

/** Frames of the machinery itself or of built-in functions, which nobody wants to read. */
const isMachinery = (frame: string): boolean =>
  frame.includes(OWN_FOLDER) || /node_modules|node:internal|<anonymous>\)|\(native\)|\/nn\/defineOp\./.test(frame);

/** The first line of the step's own code on a stack, as "file:line:column". */
function ownLine(stack: string): string {
  const frame = stack
    .split("\n")
    .slice(1)
    .find((line) => !isMachinery(line));
  return frame?.replace(/^.*?\(?((?:file:\/\/)?\/[^)]*)\)?$/, "$1").trim() ?? "unknown";
}

/** A line of the step's own code, looked for when it is asked. */
type Caller = () => string;

/**
 * Remembers the stack that leads here. To write it out takes several times as long as to record an op, and only the
 * message of an error asks for it.
 */
function callerHere(): Caller {
  const depth = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  const here = new Error();
  Error.stackTraceLimit = depth;
  return () => ownLine(here.stack ?? "");
}

/** A step that cannot be recorded: says what it did and where. A defect of the step's code, not of the user. */
export class TraceError extends Error {
  override readonly name = "TraceError";

  constructor(what: string, caller: Caller = callerHere()) {
    super(`A step cannot be compiled: ${what} (${caller()}).`);
  }
}

/** What a tensor of a recording would hold: given values, or none that anybody asks for. */
type Values = () => ArrayBufferView;

/** Tensors that have a shape, a type and an id, and lie nowhere: recording needs no more of most of them. */
interface StandIns {
  /** A new one. @param values for an op that has to run, zeros where left out @returns its id */
  make(shape: readonly number[], dtype: number, values?: Values): number;
  /** Outputs of an op whose row tells their types and shapes; undefined where the op has to run for them. */
  outputs(op: string, inputs: OpInputs, count: number): NativeTensor[] | undefined;
  /** Runs something with real tensors in the place of stand-ins, which are gone when it has run. */
  withReal<Result>(ids: readonly number[], run: (real: number[]) => Result): Result;
}

/** The backend takes ids from 0 on for tensors of the library, which it deletes, and -1 for one that has none yet. */
const FIRST_ID = -2;

const zerosOf = (size: number, dtype: number): ArrayBufferView => {
  if (dtype === DT.float) return new Float32Array(size);
  return dtype === DT.int32 ? new Int32Array(size) : new Uint8Array(size);
};

/** The outputs that an op's row tells of, in types and shapes. */
function told(op: string, inputs: OpInputs, count: number): Omit<NativeTensor, "id">[] | undefined {
  const row = opNamed(op);
  const types = row && positionsOf(row.signature.outputs, inputs.attribute);
  const shapes = row?.shapes?.(inputs);
  if (types === undefined || shapes === undefined || shapes.length < count) return undefined;
  const outputs = types.slice(0, count).flatMap(({ type }, i) => {
    return type === undefined ? [] : [{ shape: [...(shapes[i] as number[])], dtype: type }];
  });
  return outputs.length === count ? outputs : undefined;
}

/** No stand-in yet. @param binding that runs what has to run */
function createStandIns(binding: NativeBinding): StandIns {
  const known = new Map<number, { shape: readonly number[]; dtype: number; values: Values }>();
  const make: StandIns["make"] = (shape, dtype, values = () => zerosOf(sizeOf(shape), dtype)) => {
    const id = FIRST_ID - known.size;
    known.set(id, { shape, dtype, values });
    return id;
  };
  const upload = (id: number): number => {
    const standIn = known.get(id);
    if (standIn === undefined) return id;
    const values = standIn.values();
    return takingMemory("to record a step", values.byteLength, () =>
      binding.createTensor([...standIn.shape], standIn.dtype, values),
    );
  };
  return {
    make,
    outputs: (op, inputs, count) =>
      told(op, inputs, count)?.map(({ shape, dtype }) => ({
        id: make(shape, dtype),
        shape,
        dtype,
      })),
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

/** What a recording knows of a native tensor. */
interface Recorded {
  readonly ref: string;
  readonly shape: readonly number[];
  /** Values of a small integer constant made on the host; shape rules need them. */
  readonly constant?: readonly number[];
}

/** The nodes of a recording, and which of them stands for which native tensor. */
interface Ledger {
  readonly nodes: readonly GraphNode[];
  /** ReadVariableOp of each variable that was read. */
  readonly reads: ReadonlyMap<Variable, string>;
  /** @returns the node's name */
  add(node: GraphNode): string;
  /** A name for the next node, after its op. */
  nameFor(op: string): string;
  /** A tensor that is what a node gives back. */
  know(id: number, recorded: Recorded): void;
  /** A variable that may be read, by its tensor. */
  offer(id: number, variable: Variable, handle: string): void;
  /**
   * What stands for a tensor; a variable is read where it is first used.
   * @param user for the message
   * @throws TraceError for a tensor that nobody knows
   */
  resolve(id: number, user: string): Recorded;
}

/** An empty ledger. @param prefix of all node names */
function createLedger(prefix: string): Ledger {
  const nodes: GraphNode[] = [];
  const reads = new Map<Variable, string>();
  const known = new Map<number, Recorded>();
  const readable = new Map<number, { variable: Variable; handle: string }>();
  const add = (node: GraphNode): string => {
    nodes.push(node);
    return node.name;
  };
  const read = (variable: Variable, handle: string): Recorded => {
    const ref = add({
      name: `${prefix}/read/${reads.size}`,
      op: "ReadVariableOp",
      inputs: [handle],
      attributes: { dtype: { type: DT.float } },
      shapes: [variable.shape],
    });
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

/** What the backend knows of a tensor: values that still lie on the host, or nothing of them. */
interface HostBackend {
  readonly tensorMap: {
    get(dataId: object): { readonly values: ArrayBufferView | null; readonly dtype: number } | undefined;
  };
}

/** Tensors whose values lie on the host while a step is recorded, under ids of stand-ins. */
interface HeldTensors {
  /** The id that stands for a tensor, if it is one of these. */
  idOf(tensor: Tensor): number | undefined;
}

/**
 * Recording needs of variables and feeds only their shape. Those that were not used yet (weights just read, images) stay
 * on the host: on a GPU they would else go up, and variables down again to be pushed into the program.
 */
function holdTensors(tensors: Iterable<Tensor>, backend: NativeBackend, standIns: StandIns): HeldTensors {
  const { tensorMap } = backend as unknown as HostBackend;
  const ids = new Map<object, number>();
  for (const { dataId, shape } of tensors) {
    const { values, dtype = DT.float } = tensorMap.get(dataId) ?? {};
    if (values != null)
      ids.set(
        dataId,
        standIns.make(shape, dtype, () => values),
      );
  }
  return { idOf: ({ dataId }) => ids.get(dataId) };
}

/** How tfjs keeps host data that no op has used yet. */
interface UploadingBackend {
  move(dataId: object, ...rest: unknown[]): void;
  getInputTensorIds(tensors: Tensor[]): number[];
  readonly tensorMap: { get(dataId: object): { readonly values: unknown } | undefined };
}

/**
 * Host tensors are uploaded when they are first used, so one made before a recording would pass for a constant of the
 * step. Runs with those refused that were made before.
 * @param held tensors that stay on the host
 * @throws TraceError for a tensor that is used and was made before
 */
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

/** Longest host constant whose values shape rules may ask for. */
const SMALL = 8;

/** The values of a small constant of whole numbers, of whatever type. */
function wholeNumbers(values: ArrayBufferView): number[] | undefined {
  if (!(values instanceof Int32Array || values instanceof Float32Array)) return undefined;
  return values.length <= SMALL && values.every(Number.isInteger) ? [...values] : undefined;
}

type Recording = Pick<NativeBinding, "executeOp" | "createTensor" | "tensorDataSync">;

/**
 * Members of a binding that write down every op and every constant, compute nothing that a row of the table tells, and
 * let nobody read what was not computed.
 */
const recordingBinding = (binding: NativeBinding, ledger: Ledger, standIns: StandIns): Recording => ({
  executeOp(op, attributes, inputIds, count) {
    const inputs = inputIds.map((id) => ledger.resolve(id, op));
    const values = new Map(attributes.map(({ name, value }) => [name, value]));
    const view: OpInputs = {
      shapes: inputs.map(({ shape }) => shape),
      constant: (index) => inputs[index]?.constant,
      attribute: (name) => values.get(name),
    };
    const outputs =
      standIns.outputs(op, view, count) ??
      standIns.withReal(inputIds, (real) => binding.executeOp(op, attributes, real, count));
    const name = ledger.add({
      name: ledger.nameFor(op),
      op,
      inputs: inputs.map(({ ref }) => ref),
      attributes: Object.fromEntries(attributes.map((attribute) => [attribute.name, attributeValue(attribute)])),
      shapes: outputs.map(({ shape }) => shape),
      caller: callerHere(),
    });
    outputs.forEach(({ id, shape }, i) => {
      ledger.know(id, { ref: outputRef(name, i), shape });
    });
    return outputs;
  },
  createTensor(shape, dtype, values) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    const id = standIns.make([...shape], dtype, () => values);
    const ref = ledger.add(constNode(ledger.nameFor("Const"), { dtype, shape: [...shape], bytes }));
    const constant = wholeNumbers(values);
    ledger.know(id, { ref, shape: [...shape], ...(constant && { constant }) });
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
 * Records one run of an entry's step as graph nodes by standing between tfjs and the native library. Nothing is laid on
 * the device, and nothing runs but ops of which the table knows no shapes.
 * @param prefix of all node names
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
  const standIns = createStandIns(nativeBackend().binding);
  const given = [...handles.keys(), ...Object.values(feeds)];
  const held = holdTensors(given, nativeBackend(), standIns);
  const idOfHeld = (tensor: Tensor): number => held.idOf(tensor) ?? idOf(tensor);
  const ledger = createLedger(prefix);
  const placeholders = Object.entries(specs).map(([name, { shape, dtype }]) => {
    const ref = ledger.add(placeholder(`${prefix}/feed/${name}`, FEED_TYPES[dtype], shape));
    ledger.know(idOfHeld(feeds[name] as Tensor), { ref, shape });
    return [name, ref] as const;
  });
  for (const [variable, handle] of handles) ledger.offer(idOfHeld(variable), variable, handle);
  const updates = run(() => entry.step(feeds), ledger, standIns, held);
  return {
    nodes: ledger.nodes,
    feeds: Object.fromEntries(placeholders),
    updates: updates.map(
      ([variable, value]) =>
        [knownVariable(handles, variable), ledger.resolve(idOfHeld(value), "an update").ref] as const,
    ),
    reads: ledger.reads,
  };
}

const feedTensors = (specs: Readonly<Record<string, FeedSpec>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(specs).map(([name, { shape, dtype }]) => [name, tf.zeros([...shape], dtype)]));

/** Runs a step while its ops and constants go into a ledger. */
const run = (
  step: () => readonly Update[],
  ledger: Ledger,
  standIns: StandIns,
  held: HeldTensors,
): readonly (readonly [Variable, Tensor])[] =>
  withBinding(
    (binding) => recordingBinding(binding, ledger, standIns),
    () =>
      refusingEarlierTensors(() => {
        // A graph has one op for rows and the whole, which the passes of an engine take apart again.
        const updates = step().map(([variable, value, rows]): [Variable, Tensor] => [
          variable,
          rows === undefined ? value : scatterRows(variable, rows, value),
        ]);
        // Values that no op has used yet (plain host constants) become nodes now.
        idsOf(updates.map(([, value]) => value));
        return updates;
      }, held),
  );

function knownVariable(handles: Handles, variable: Variable): Variable {
  if (handles.has(variable)) return variable;
  throw new TraceError(`the step updates ${variable.name}, which is not among its variables`);
}
