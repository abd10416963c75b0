type Value = string | number | null | readonly [];

const line = (key: string, value: Value): string => `${key}: ${JSON.stringify(value)}\n`;

/** MLflow's meta.yaml: one entry a line. JSON's texts, numbers and null are YAML's as well. */
export const metaYaml = (entries: Readonly<Record<string, Value>>): string =>
  Object.entries(entries)
    .map(([key, value]) => line(key, value))
    .join("");

const entry = (key: string) => new RegExp(`^${key}:(.*)\n`, "m");

/** A text of a meta.yaml, whoever wrote it: plain, or in quotes of either kind. Undefined where there is none. */
export function textIn(yaml: string, key: string): string | undefined {
  const value = entry(key).exec(yaml)?.[1]?.trim();
  if (value?.startsWith('"')) {
    try {
      return String(JSON.parse(value));
    } catch {
      return undefined;
    }
  }
  return value?.startsWith("'") ? value.slice(1, -1).replaceAll("''", "'") : value;
}

/** A meta.yaml with other values of some keys; all else stays as it is. */
export const withEntries = (yaml: string, entries: Readonly<Record<string, Value>>): string =>
  Object.entries(entries).reduce(
    (text, [key, value]) =>
      entry(key).test(text)
        ? text.replace(entry(key), () => line(key, value))
        : `${text}${line(key, value)}`,
    yaml,
  );
