import { DT, type NativeBackend } from "../../runtime/native.js";
import { type Tensor, tf, type Variable } from "../../runtime/tf.js";

/** What the backend knows of a tensor: values that still lie on the host, or nothing of them. */
interface HostBackend {
  readonly tensorMap: { get(dataId: object): { values: Float32Array | null } | undefined };
}

/** Variables whose values lie on the host while a step is recorded, under ids of their own. */
export interface HeldVariables {
  /** The id that stands for a tensor, if it is such a variable. */
  idOf(tensor: Tensor): number | undefined;
  /** The ids that an op which really runs is given: variables go to the device for it, and for nothing else. */
  real(ids: readonly number[]): number[];
  dispose(): void;
}

/**
 * Recording needs of most variables only their shape. Those that were not used yet (weights just read, images) stay on
 * the host: on a GPU they would else go up, and down again to be pushed into the program.
 */
export function holdVariables(
  variables: Iterable<Variable>,
  backend: NativeBackend,
): HeldVariables {
  const { binding } = backend;
  const { tensorMap } = backend as unknown as HostBackend;
  const held = [...variables].filter(({ dataId }) => tensorMap.get(dataId)?.values != null);
  const ids = new Map<object, number>();
  const byId = new Map<number, Variable>();
  const uploaded = new Map<Variable, number>();
  for (const variable of held) {
    const id = binding.createTensor([], DT.float, new Float32Array(1));
    ids.set(variable.dataId, id);
    byId.set(id, variable);
  }
  const upload = (variable: Variable): number => {
    const values = tf.engine().readSync(variable.dataId) as Float32Array;
    const id = uploaded.get(variable) ?? binding.createTensor(variable.shape, DT.float, values);
    uploaded.set(variable, id);
    return id;
  };
  return {
    idOf: ({ dataId }) => ids.get(dataId),
    real: (given) =>
      given.map((id) => {
        const variable = byId.get(id);
        return variable === undefined ? id : upload(variable);
      }),
    dispose() {
      for (const id of [...byId.keys(), ...uploaded.values()]) binding.deleteTensor(id);
    },
  };
}
