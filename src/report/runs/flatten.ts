/** A key of a configuration with dots between its levels, and its value as text. */
export type Entry = readonly [key: string, value: string];

/**
 * A configuration as flat text: `versions.node` for what lies inside, lists with commas.
 * @param path of what is flattened; empty for the whole
 */
export function flatten(value: unknown, path = ""): Entry[] {
  if (Array.isArray(value)) return [[path, value.join(",")]];
  if (typeof value !== "object" || value === null) return [[path, String(value)]];
  return Object.entries(value).flatMap(([key, inner]) =>
    flatten(inner, path === "" ? key : `${path}.${key}`),
  );
}
