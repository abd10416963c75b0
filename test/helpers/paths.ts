import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root, from the compiled test (dist-test/helpers). */
export const ROOT = resolve(fileURLToPath(import.meta.url), "../../..");

/** The small golden files made by PyTorch, kept in the repository. */
export const GOLDEN = resolve(ROOT, "test/golden");

/** Folder of large reference material beside the project; absent for most people. */
export const SHARED = process.env.PEFD_SHARED ?? resolve(ROOT, "../shared");

/** The path below SHARED, or undefined with nothing there, so that a test can skip and say why. */
export function sharedPath(relative: string): string | undefined {
  const path = resolve(SHARED, relative);
  return existsSync(path) ? path : undefined;
}
