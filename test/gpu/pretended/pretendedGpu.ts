import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Ended, runProgram } from "../../helpers/pefd.js";
import { type GpuEvent, readEvents } from "../runs/events.js";
import { pretendedLibraries } from "../runtime/build.js";
import { installWith } from "../runtime/installation.js";
import { gpuTree } from "../runtime/runtimeTree.js";
import { environmentOf, type Pretence } from "./pretence.js";

const NVIDIA_SMI = fileURLToPath(new URL("./nvidiaSmi.js", import.meta.url));

/** pefd as installed for a GPU, on pretended machines. */
export interface PretendedGpu {
  /** Scratch space, the copy of the project in it. */
  readonly root: string;
  /** The copy of the project. */
  readonly project: string;
  /** Runs the command line on a machine. */
  pefd(args: readonly string[], pretence?: Pretence): Promise<Ended & { events: GpuEvent[] }>;
  /** The environment that makes such a machine, for other programs. */
  environment(pretence?: Pretence): Record<string, string>;
  remove(): void;
}

function writeSmi(folder: string): void {
  mkdirSync(folder);
  const program = join(folder, "nvidia-smi");
  writeFileSync(program, `#!${process.execPath}\nimport(${JSON.stringify(NVIDIA_SMI)});\n`);
  chmodSync(program, 0o755);
}

/** A folder with links to all libraries but some. */
function librariesWithout(libraries: string, missing: readonly string[], root: string): string {
  if (missing.length === 0) return libraries;
  const folder = mkdtempSync(join(root, "libraries-"));
  for (const name of readdirSync(libraries)) {
    if (!missing.includes(name)) symlinkSync(join(libraries, name), join(folder, name));
  }
  return folder;
}

/**
 * Installs pefd for a GPU in scratch space, with a machine that pretends to have one (fake/).
 * @param root where; left out, a fresh folder
 * @throws Error where TensorFlow's build for GPUs is missing (see noPretendedGpu)
 */
export function pretendGpu(root = mkdtempSync(join(tmpdir(), "pefd-gpu-"))): PretendedGpu {
  const tree = gpuTree();
  if (tree === undefined) throw new Error("There is no build of TensorFlow for GPUs.");
  const project = join(root, "project");
  const programs = join(root, "bin");
  const libraries = pretendedLibraries(tree);
  installWith(project, tree);
  writeSmi(programs);
  let runs = 0;

  const environment = (pretence: Pretence = {}): Record<string, string> =>
    environmentOf(pretence, {
      libraries: librariesWithout(libraries, pretence.without ?? [], root),
      programs,
      cache: join(root, "cache"),
    });

  return {
    root,
    project,
    environment,
    async pefd(args, pretence) {
      const log = join(root, `events-${runs++}`);
      const env = { PRETENDED_GPU_LOG: log, ...environment(pretence) };
      const words = [join(project, "bin/pefd.js"), ...args];
      const ended = await runProgram(process.execPath, words, { env, cwd: root });
      return { ...ended, events: readEvents(log) };
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}
