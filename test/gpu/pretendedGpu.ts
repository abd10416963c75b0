import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Ended, runProgram } from "../helpers/pefd.js";
import { pretendedLibraries } from "./build.js";
import { type GpuEvent, readEvents } from "./events.js";
import { installWith } from "./installation.js";
import { gpuTree } from "./runtimeTree.js";

const NVIDIA_SMI = fileURLToPath(new URL("./nvidiaSmi.js", import.meta.url));

/** GPUs as PRETENDED_GPUS takes them, one a line: name, compute capability, driver, memory in MB. */
export const GPUS = {
  h100: "NVIDIA H100 80GB HBM3, 9.0, 580.82.07, 81559",
  rtx4090: "NVIDIA GeForce RTX 4090, 8.9, 580.82.07, 24564",
  t4: "Tesla T4, 7.5, 580.82.07, 15360",
} as const;

/** How the machine differs from one with an H100 where all is well. */
export interface Pretence {
  readonly gpus?: readonly string[];
  /** What ails nvidia-smi (nvidiaSmi.ts); null: there is none. */
  readonly smi?: "fails" | "old" | "hangs" | "no-library" | null;
  /** An error of cuInit. */
  readonly cuInit?: number;
  /** Libraries that the machine lacks, or that are TensorFlow's own instead of pretended ones. */
  readonly without?: readonly string[];
  /** More environment variables; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

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

/** XLA times nothing here: it would try variants on a GPU that does not compute. */
const XLA_FLAGS = "--xla_gpu_autotune_level=0";

/** Variables that decide what pefd or TensorFlow does with a GPU; those of the tests' own process do not count. */
const DECISIVE = [
  ...["CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "NVIDIA_TF32_OVERRIDE", "PEFD_RUNTIME"],
  ...["TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "TF_FORCE_GPU_ALLOW_GROWTH"],
  ...["TF_NUM_INTEROP_THREADS", "TF_XLA_FLAGS", "XLA_FLAGS"],
];

function nvidiaSmi(folder: string): void {
  mkdirSync(folder);
  const program = join(folder, "nvidia-smi");
  writeFileSync(program, `#!${process.execPath}\nimport(${JSON.stringify(NVIDIA_SMI)});\n`);
  chmodSync(program, 0o755);
}

/** The folders of PATH without a real nvidia-smi. */
function pathWithoutSmi(): string {
  const hasOne = (folder: string): boolean => {
    try {
      return readdirSync(folder).includes("nvidia-smi");
    } catch {
      return false;
    }
  };
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.filter((folder) => !hasOne(folder)).join(delimiter);
}

/**
 * Installs pefd for a GPU in scratch space, with a machine that pretends to have one (fake/).
 * @param tree the build of TensorFlow for GPUs; left out, the one of gpuTree()
 * @param root where; left out, a fresh folder
 * @throws Error where there is no such build (see noPretendedGpu)
 */
export function pretendGpu(settings: { tree?: string; root?: string } = {}): PretendedGpu {
  const tree = settings.tree ?? gpuTree();
  if (tree === undefined) throw new Error("There is no build of TensorFlow for GPUs.");
  const root = settings.root ?? mkdtempSync(join(tmpdir(), "pefd-gpu-"));
  const project = join(root, "project");
  const libraries = pretendedLibraries(tree);
  installWith(project, tree);
  nvidiaSmi(join(root, "bin"));
  let runs = 0;

  /** A folder with links to all libraries but some. */
  const librariesWithout = (missing: readonly string[]): string => {
    if (missing.length === 0) return libraries;
    const folder = mkdtempSync(join(root, "libraries-"));
    for (const name of readdirSync(libraries)) {
      if (!missing.includes(name)) symlinkSync(join(libraries, name), join(folder, name));
    }
    return folder;
  };

  const environment = (pretence: Pretence = {}): Record<string, string> => {
    const { gpus = [GPUS.h100], smi, cuInit, without = [], env = {} } = pretence;
    const path = pathWithoutSmi();
    const variables: Record<string, string | undefined> = {
      ...process.env,
      ...Object.fromEntries(DECISIVE.map((name) => [name, undefined])),
      NO_COLOR: "1",
      LD_LIBRARY_PATH: librariesWithout(without),
      PATH: smi === null ? path : `${join(root, "bin")}${delimiter}${path}`,
      PEFD_CACHE: join(root, "cache"),
      PRETENDED_GPUS: gpus.join("\n"),
      PRETENDED_SMI: smi ?? undefined,
      PRETENDED_CUINIT: cuInit?.toString(),
      XLA_FLAGS,
      ...env,
    };
    const set = Object.entries(variables).filter(([, value]) => value !== undefined);
    return Object.fromEntries(set) as Record<string, string>;
  };

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
