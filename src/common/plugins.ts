import { createRegistry } from "./registry.js";

/** A file given with --plugin or PEFD_PLUGINS, and its content. */
export interface PluginRow {
  /** Absolute path. */
  readonly name: string;
  readonly sha256: string;
  readonly methods: readonly string[];
  readonly models: readonly string[];
  readonly datasets: readonly string[];
}

/** This process's plug-ins, in the given order. */
export const PLUGINS = createRegistry<PluginRow>({ one: "plug-in", many: "Plug-ins" });

/** Arguments that load the same plug-ins in another process. */
export const pluginWords = (): string[] => PLUGINS.names().flatMap((path) => ["--plugin", path]);
