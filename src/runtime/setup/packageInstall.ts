import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { environmentError } from "../../common/errors.js";
import { type CommandOptions, lastLine, runCommand } from "../command.js";
import { bindingFile, dependencies } from "../paths.js";

/** The package's own download is given up after this time. */
const TIMEOUT_SECONDS = 600;

const markerFile = (packageFolder: string): string => join(packageFolder, ".own-install");

/** Whether the package's own install script has brought all it can bring. */
export const packageInstallIsDone = (packageFolder: string): boolean =>
  existsSync(markerFile(packageFolder)) &&
  existsSync(bindingFile(packageFolder)) &&
  existsSync(join(dependencies(packageFolder), "lib"));

/**
 * Runs the package's own install script, for machines on which our way does not work.
 * @param why what stands in our way, a clause that begins the sentence for people
 * @param hint what to type or install for our way to work
 * @throws environmentError when the script fails or brings nothing
 */
export async function packageInstall(
  packageFolder: string,
  nodeProgram: string,
  options: CommandOptions,
  why: string,
  hint: string,
): Promise<void> {
  await rm(dependencies(packageFolder), { recursive: true, force: true });
  const programs = join(packageFolder, "../../.bin");
  const env = { ...options.env, PATH: `${programs}${delimiter}${options.env?.PATH ?? ""}` };
  const result = await runCommand(nodeProgram, ["scripts/install.js", "gpu", "download"], {
    ...options,
    env,
    cwd: packageFolder,
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  if (result.code === 0 && existsSync(bindingFile(packageFolder))) {
    await writeFile(markerFile(packageFolder), "");
    return;
  }
  const reason = lastLine(result.stderr);
  throw environmentError(
    `${why}, and the install script of @tensorflow/tfjs-node-gpu, tried instead, failed: ${reason}`,
    hint,
  );
}
