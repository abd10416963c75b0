import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** Names, sizes and times of change of all files below a folder: equal only if nothing was written. */
export const snapshot = (directory: string) =>
  readdirSync(directory, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const { size, mtimeNs } = statSync(join(directory, name), { bigint: true });
      return { name, size, mtimeNs };
    });
