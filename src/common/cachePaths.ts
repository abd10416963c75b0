import { join, resolve } from "node:path";

/** The cache folder: PEFD_CACHE, else pefd in an absolute XDG_CACHE_HOME, else ~/.cache/pefd; "" counts as not set. */
export function cacheDirectory(env: Readonly<Record<string, string | undefined>>, homeDirectory: string): string {
  if (env.PEFD_CACHE) return resolve(env.PEFD_CACHE);
  const shared = env.XDG_CACHE_HOME;
  const base = shared?.startsWith("/") ? shared : join(homeDirectory, ".cache");
  return join(base, "pefd");
}
