import type { OpInputs } from "../../ops/shapes.js";
import type { NativeBinding } from "../../runtime/native.js";
import { constNode, outputRef } from "../graph/graph.js";
import { attributeValue } from "./attributeValue.js";
import type { Ledger } from "./ledger.js";
import type { StandIns } from "./standIn.js";
import { callerHere, TraceError } from "./traceError.js";

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
export const recordingBinding = (
  binding: NativeBinding,
  ledger: Ledger,
  standIns: StandIns,
): Recording => ({
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
      attributes: Object.fromEntries(
        attributes.map((attribute) => [attribute.name, attributeValue(attribute)]),
      ),
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
