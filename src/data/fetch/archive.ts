import { createReadStream } from "node:fs";
import { posix } from "node:path";
import { createGunzip } from "node:zlib";
import { extract, type ReadEntry, type Unpack } from "tar";
import { runError } from "../../common/errors.js";

/**
 * Unpacks the named members of a .tar.gz, ordinary files all of them, and nothing else.
 * @param archive the file
 * @param members paths inside the archive, as "folder/file"
 * @param target an existing folder that takes them, their paths kept
 * @param mostBytes that the archive may unpack to
 * @throws runError if the archive is damaged, or holds a link, a device or a path that leaves the folder
 */
export async function unpackMembers(
  archive: string,
  members: readonly string[],
  target: string,
  mostBytes: number = MOST_BYTES,
): Promise<void> {
  const refused: string[] = [];
  const filter = (path: string, entry: object): boolean => {
    const { type } = entry as ReadEntry;
    if (isUnsafe(path, type)) refused.push(path);
    return refused.length === 0 && type === "File" && members.includes(posix.normalize(path));
  };
  try {
    await feed(
      archive,
      mostBytes,
      extract({ cwd: target, filter, strict: true, preserveOwner: false }),
    );
  } catch (error) {
    throw runError(`${archive} cannot be unpacked: ${(error as Error).message}`);
  }
  if (refused.length === 0) return;
  throw runError(
    `${archive} is refused, for it holds ${refused[0]}, a link or a path outside of it.`,
  );
}

/** Several times what any archive here unpacks to; a small one can hold zeros without end. */
const MOST_BYTES = 2 ** 31;

/** Hands an archive to tar, which alone would take whatever it unpacks to. */
async function feed(archive: string, mostBytes: number, unpacker: Unpack): Promise<void> {
  const ended = new Promise<void>((resolve, reject) => {
    unpacker.once("close", resolve).once("error", reject);
  });
  const write = async () => {
    let bytes = 0;
    const gunzip = createGunzip();
    createReadStream(archive)
      .once("error", (error) => gunzip.destroy(error))
      .pipe(gunzip);
    for await (const chunk of gunzip) {
      bytes += chunk.length;
      if (bytes > mostBytes) throw new Error(`it unpacks to more than ${mostBytes} bytes`);
      if (!unpacker.write(chunk)) await new Promise((go) => unpacker.once("drain", go));
    }
    unpacker.end();
  };
  await Promise.all([write(), ended]);
}

function isUnsafe(path: string, type: string): boolean {
  const ordinary = type === "File" || type === "Directory";
  return !ordinary || posix.isAbsolute(path) || path.split(/[/\\]/).includes("..");
}
