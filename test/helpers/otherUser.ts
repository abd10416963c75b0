import { chmodSync, statSync } from "node:fs";

const NOBODY = 65_534;

/**
 * Does something while a path may not be entered or read: for root, who may read everything, as another user.
 * What it looks at must lie below folders that all may enter.
 */
export async function withoutRight<Result>(path: string, work: () => Result | Promise<Result>): Promise<Result> {
  const isRoot = process.geteuid?.() === 0;
  const { mode } = statSync(path);
  chmodSync(path, 0);
  try {
    if (isRoot) process.seteuid?.(NOBODY);
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(path, mode);
  }
}
