import { DT, type NativeBackend } from "../../runtime/native.js";
import type { Tensor } from "../../runtime/tf.js";
import type { StandIns } from "./standIn.js";

/** What the backend knows of a tensor: values that still lie on the host, or nothing of them. */
interface HostBackend {
  readonly tensorMap: {
    get(
      dataId: object,
    ): { readonly values: ArrayBufferView | null; readonly dtype: number } | undefined;
  };
}

/** Tensors whose values lie on the host while a step is recorded, under ids of stand-ins. */
export interface HeldTensors {
  /** The id that stands for a tensor, if it is one of these. */
  idOf(tensor: Tensor): number | undefined;
}

/**
 * Recording needs of variables and feeds only their shape. Those that were not used yet (weights just read, images) stay
 * on the host: on a GPU they would else go up, and variables down again to be pushed into the program.
 */
export function holdTensors(
  tensors: Iterable<Tensor>,
  backend: NativeBackend,
  standIns: StandIns,
): HeldTensors {
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
