import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../helpers/paths.js";

/** A module of scripts/docs, which are plain JavaScript. */
const script = async <T>(name: string): Promise<T> =>
  (await import(pathToFileURL(join(ROOT, "scripts/docs", name)).href)) as T;

export const { formatsReference } = await script<{ formatsReference(): string }>("formats.js");
export const { methodsCatalogue } = await script<{ methodsCatalogue(): string }>("methods.js");
export const { betweenMarkers, flagsReference } = await script<{
  betweenMarkers(text: string, content: string, name: string): string;
  flagsReference(): Promise<string>;
}>("options.js");
