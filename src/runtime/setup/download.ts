import { readdirSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { environmentError, type PefdError } from "../../common/errors.js";
import { makeFolder } from "../../common/files/makeFolder.js";
import { type CommandOptions, lastLine, runCommand } from "../command.js";
import { PYTHON_TAG, type Wheel } from "./wheels.js";

/** pip as a client: asks nothing, and does as much in a virtual environment as outside of one. */
const PIP_SETTINGS = {
  PIP_NO_INPUT: "1",
  PIP_DISABLE_PIP_VERSION_CHECK: "1",
  PIP_REQUIRE_VIRTUALENV: "false",
};

/** How often the growth of a download is shown, in milliseconds. */
const WATCH_INTERVAL = 500;

/** Whether Python 3 with pip can be called as `python3 -m pip`. */
export async function pipIsThere(options: CommandOptions): Promise<boolean> {
  return (await runCommand("python3", ["-m", "pip", "--version"], options)).code === 0;
}

function downloadArguments(wheel: Wheel, requirements: string, folder: string): string[] {
  const { version, implementation, abi } = PYTHON_TAG;
  return [
    ...["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--quiet"],
    ...["--python-version", version, "--implementation", implementation, "--abi", abi],
    ...["--platform", wheel.platform, "--require-hashes", "-r", requirements, "-d", folder],
  ];
}

/** Bytes of all files below a folder; files that vanish meanwhile count as nothing. */
function folderBytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const sizes = files.map((file) => {
    const status = statSync(join(folder, file), { throwIfNoEntry: false });
    return status?.isFile() ? status.size : 0;
  });
  return sizes.reduce((sum, size) => sum + size, 0);
}

function watchGrowth(folder: string, onBytes: (bytes: number) => void): () => void {
  const timer = setInterval(() => {
    try {
      onBytes(folderBytes(folder));
    } catch {
      // A folder of pip's that went away while it was read: the next look will do.
    }
  }, WATCH_INTERVAL);
  return () => clearInterval(timer);
}

/** What pip says on a full disk, with what to do about it; the other reasons lie on the way to the index. */
const FULL_DISK = /No space left on device|Disk quota exceeded/;

function downloadError(wheel: Wheel, stderr: string): PefdError {
  const name = `${wheel.project} ${wheel.version}`;
  const reason = stderr.match(/^ERROR: (?!Exception).*$/gm)?.[0] ?? lastLine(stderr);
  if (/do not match the hashes/i.test(stderr)) {
    return environmentError(
      `The package index gave a file for ${name} that is not the pinned one; it was not used.`,
      "Look at the index that pip is set to (pip config list), then: pefd setup",
    );
  }
  const hint = FULL_DISK.test(stderr)
    ? "Make room, or let PEFD_CACHE name a folder with more of it, then: pefd setup"
    : "Look at the network (HTTPS_PROXY) and at pip's index (pip config list), then: pefd setup";
  return environmentError(
    `${name} (${wheel.megabytes} MB) could not be downloaded: ${reason}`,
    hint,
  );
}

/**
 * Downloads one wheel with pip, checked against its pinned hash.
 * @param folder an empty folder of ours; everything that pip writes stays in it
 * @param onBytes told now and then how many bytes have come
 * @returns the path of the wheel
 * @throws environmentError when the download fails or the file is not the pinned one
 */
export async function downloadWheel(
  wheel: Wheel,
  folder: string,
  options: CommandOptions,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const requirements = join(folder, "requirements.txt");
  const temporary = join(folder, "pip");
  const target = join(folder, "wheel");
  makeFolder(temporary);
  await writeFile(
    requirements,
    `${wheel.project}==${wheel.version} --hash=sha256:${wheel.sha256}\n`,
  );
  const env = { ...options.env, ...PIP_SETTINGS, TMPDIR: temporary };
  const unwatch = watchGrowth(folder, onBytes);
  const result = await runCommand("python3", downloadArguments(wheel, requirements, target), {
    ...options,
    env,
  });
  unwatch();
  const name = result.code === 0 ? readdirSync(target)[0] : undefined;
  if (name === undefined) throw downloadError(wheel, result.stderr);
  return join(target, name);
}
