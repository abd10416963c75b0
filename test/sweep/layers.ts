import type { Layer } from "#pefd/config/resolve.js";

/** Values as a place of that name gives them. */
export const layer = (values: Readonly<Record<string, unknown>>, place = "flags"): Layer => ({
  label: (name) => `--${name}`,
  origin: () => place,
  values,
});
