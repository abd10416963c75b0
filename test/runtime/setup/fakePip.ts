import { appendFileSync, createWriteStream, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import { ZipFile } from "yazl";

// Plays `python3 -m pip` for fakeMachine.ts: answers --version and writes small wheels.

const CUDA_FOLDER = /^nvidia-(.+)-cu12$/;

function members(project: string): Record<string, string> {
  const cuda = project.match(CUDA_FOLDER)?.[1]?.replaceAll("-", "_");
  if (cuda === undefined) {
    return {
      "tensorflow/libtensorflow_cc.so.2": `cc of ${project}`,
      "tensorflow/libtensorflow_framework.so.2": `framework of ${project}`,
      "tensorflow/include/tensorflow/c/c_api.h": "// C API",
      "tensorflow/include/Eigen/Core": "// not needed",
      "tensorflow/__init__.py": "raise ImportError",
    };
  }
  const version = cuda === "cusolver" ? "11" : "12";
  const library = { [`nvidia/${cuda}/lib/lib${cuda}.so.${version}`]: cuda };
  return cuda === "cuda_nvcc"
    ? {
        "nvidia/cuda_nvcc/bin/ptxas": "ptxas",
        "nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc": "bitcode",
      }
    : library;
}

async function download(words: readonly string[]): Promise<void> {
  const after = (flag: string) => words[words.indexOf(flag) + 1] ?? "";
  const requirement = readFileSync(after("-r"), "utf8");
  const match = requirement.match(/^(\S+)==(\S+) --hash=sha256:([0-9a-f]{64})\n$/);
  if (!match || !words.includes("--require-hashes")) throw new Error(`not pinned: ${requirement}`);
  const [, project = "", version = ""] = match;
  appendFileSync(process.env.FAKE_LOG ?? "", `download ${project}\n`);
  await pause(Number(process.env.FAKE_PAUSE ?? 0));
  const zip = new ZipFile();
  for (const [name, content] of Object.entries(members(project))) {
    zip.addBuffer(Buffer.from(content), name, {
      mode: name.endsWith("ptxas") ? 0o100744 : 0o100644,
    });
  }
  zip.end();
  mkdirSync(after("-d"), { recursive: true });
  const file = join(after("-d"), `${project}-${version}-${after("--platform")}.whl`);
  await pipeline(zip.outputStream, createWriteStream(file));
}

const words = process.argv.slice(2);
if (words[2] === "download") await download(words);
