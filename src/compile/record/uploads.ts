import { nativeBackend } from "../../runtime/native.js";
import type { Tensor } from "../../runtime/tf.js";
import type { HeldTensors } from "./heldTensors.js";
import { TraceError } from "./traceError.js";

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
export function refusingEarlierTensors<T>(run: () => T, { idOf }: HeldTensors): T {
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
