import * as nodeModule from "node:module";

/** Resolves what a module imports; the next one in line does what Node.js would do. */
type Resolve = (
  specifier: string,
  context: { readonly parentURL?: string | undefined },
  next: (specifier: string, context?: object) => unknown,
) => unknown;

/** Node.js has it from 22.15 on. */
const { registerHooks } = nodeModule as { registerHooks?: (hooks: { resolve: Resolve }) => void };

/** The same for Node.js 20, in the thread where its hooks run. */
const IN_THREAD = `
let parentURL;
export const initialize = (url) => { parentURL = url; };
export const resolve = (specifier, context, next) =>
  /^pefd(\\/|$)/.test(specifier) ? next(specifier, { ...context, parentURL }) : next(specifier, context);
`;

let isDone = false;

/**
 * From here on `pefd/plugin` is this very program wherever it is imported: a plug-in finds it without a node_modules
 * folder, and never another copy, whose registries nobody reads.
 */
export function resolveOwnNames(): void {
  if (isDone) return;
  isDone = true;
  const parentURL = import.meta.url;
  if (registerHooks === undefined) {
    const hooks = `data:text/javascript,${encodeURIComponent(IN_THREAD)}`;
    nodeModule.register(hooks, { data: parentURL });
    return;
  }
  registerHooks({
    resolve: (specifier, context, next) =>
      /^pefd(\/|$)/.test(specifier)
        ? next(specifier, { ...context, parentURL })
        : next(specifier, context),
  });
}
