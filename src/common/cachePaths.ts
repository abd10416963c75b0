import { join, resolve } from "node:path";

/**
 * The cache folder, an absolute path: PEFD_CACHE, else pefd in XDG_CACHE_HOME, else ~/.cache/pefd. Empty variables and
 * a relative XDG_CACHE_HOME count as not set (XDG Base Directory Specification).
 */
export function cacheDirectory(env: Readonly<Record<string, string | undefined>>, homeDirectory: string): string {
  if (env.PEFD_CACHE) return resolve(env.PEFD_CACHE);
  const shared = env.XDG_CACHE_HOME;
  const base = shared?.startsWith("/") ? shared : join(homeDirectory, ".cache");
  return join(base, "pefd");
}
