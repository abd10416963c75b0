import type { NativeBinding } from "./binding.js";

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
