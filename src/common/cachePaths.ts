import { join, resolve } from "node:path";

/**
 * The folder for files that can be fetched or built again: PEFD_CACHE, else pefd in XDG_CACHE_HOME,
 * else ~/.cache/pefd. An empty variable counts as not set; so does a relative XDG_CACHE_HOME, as the
 * XDG Base Directory Specification demands.
 * @param env the process's environment
 * @param homeDirectory the user's home folder (os.homedir())
 * @returns an absolute path; the folder need not exist
 */
export function cacheDirectory(env: Readonly<Record<string, string | undefined>>, homeDirectory: string): string {
  if (env.PEFD_CACHE) return resolve(env.PEFD_CACHE);
  const shared = env.XDG_CACHE_HOME;
  const base = shared?.startsWith("/") ? shared : join(homeDirectory, ".cache");
  return join(base, "pefd");
}
