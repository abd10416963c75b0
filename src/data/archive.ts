import { posix } from "node:path";
import { extract, type ReadEntry } from "tar";
import { runError } from "../common/errors.js";

/**
 * Unpacks the named members of a .tar.gz, ordinary files all of them, and nothing else.
 * @param archive the file
 * @param members paths inside the archive, as "folder/file"
 * @param target an existing folder that takes them, their paths kept
 * @throws runError if the archive is damaged, or holds a link, a device or a path that leaves the folder
 */
export async function unpackMembers(
  archive: string,
  members: readonly string[],
  target: string,
): Promise<void> {
  const refused: string[] = [];
  const filter = (path: string, entry: object): boolean => {
    const { type } = entry as ReadEntry;
    if (isUnsafe(path, type)) refused.push(path);
    return refused.length === 0 && type === "File" && members.includes(posix.normalize(path));
  };
  try {
    await extract({ file: archive, cwd: target, filter, strict: true, preserveOwner: false });
  } catch (error) {
    throw runError(`${archive} cannot be unpacked: ${(error as Error).message}`);
  }
  if (refused.length === 0) return;
  throw runError(
    `${archive} is refused, for it holds ${refused[0]}, a link or a path outside of it.`,
  );
}

function isUnsafe(path: string, type: string): boolean {
  const ordinary = type === "File" || type === "Directory";
  return !ordinary || posix.isAbsolute(path) || path.split(/[/\\]/).includes("..");
}
