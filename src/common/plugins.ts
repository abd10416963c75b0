import { createRegistry } from "./registry.js";

/** A file that this process was given with --plugin or PEFD_PLUGINS, and what it brought. */
export interface PluginRow {
  /** Its path, absolute. */
  readonly name: string;
  /** See plugin/loaded.ts. */
  readonly sha256: string;
  /** Names of its methods, and of what else was published of them. */
  readonly methods: readonly string[];
  readonly models: readonly string[];
  readonly datasets: readonly string[];
}

/** The plug-ins of this process, in the order in which they were given. */
export const PLUGINS = createRegistry<PluginRow>({ one: "plug-in", many: "Plug-ins" });

/** The words that give a process the same plug-ins. */
export const pluginWords = (): string[] => PLUGINS.names().flatMap((path) => ["--plugin", path]);
