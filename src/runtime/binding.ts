/** The binding's members as a plain object (its own properties cannot be replaced), methods bound to it. */
export function copyOfBinding(binding: NativeBinding): NativeBinding {
  const source = binding as unknown as Record<string, unknown>;
  return Object.fromEntries(
    Object.getOwnPropertyNames(source).map((name) => {
      const value = source[name];
      return [name, typeof value === "function" ? value.bind(binding) : value];
    }),
  ) as unknown as NativeBinding;
}

export type NativeAttribute = { readonly name: string; readonly type: number; readonly value: unknown };

export type NativeTensor = { readonly id: number; readonly shape: number[]; readonly dtype: number };

/** The native binding: one call per op; host data enters and leaves through it; graphs are loaded and run. */
export interface NativeBinding {
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_Version: string;
  executeOp(name: string, attributes: NativeAttribute[], inputIds: number[], outputCount: number): NativeTensor[];
  createTensor(shape: number[], dtype: number, values: ArrayBufferView): number;
  tensorDataSync(id: number): ArrayBufferView;
  deleteTensor(id: number): void;
  loadSavedModel(directory: string, tags: string): number;
  deleteSavedModel(session: number): void;
  runSavedModel(session: number, inputIds: number[], inputNames: string, outputNames: string): NativeTensor[];
}
