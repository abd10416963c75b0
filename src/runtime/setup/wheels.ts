import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nativeModulesHash } from "./nativeModules.js";

function nameFor(packageFolder: string): string {
  const text = readFileSync(join(packageFolder, "package.json"), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  return `tfjs-${version}-tensorflow-${TENSORFLOW_VERSION}-napi-8-linux-x64-${nativeModulesHash()}`;
}

const names = new Map<string, string>();

/** A name for all that setup compiles: it changes with every source. Node-API 8 serves every supported Node.js. */
export function bindingName(packageFolder: string): string {
  const name = names.get(packageFolder) ?? nameFor(packageFolder);
  names.set(packageFolder, name);
  return name;
}

/** Which build of TensorFlow: for the CPU only, or for NVIDIA GPUs as well. */
export const RUNTIME_KINDS = ["cpu", "gpu"] as const;
export type RuntimeKind = (typeof RUNTIME_KINDS)[number];

/** One file of the Python package index, pinned to its bytes. */
export interface Wheel {
  readonly project: string;
  readonly version: string;
  readonly sha256: string;
  /** The platform tag in the file's name. */
  readonly platform: string;
  /** Size of the download in MB (10^6 bytes). */
  readonly megabytes: number;
}

export const TENSORFLOW_VERSION = "2.21.0";

/** Python tag of the wheels that have one; fixed, whatever Python is installed. */
export const PYTHON_TAG = { version: "311", implementation: "cp", abi: "cp311" } as const;

/** Wheels by lines of project, version, megabytes, tag of the platform after "manylinux", and sha256. */
const wheels = (table: string): Wheel[] =>
  table
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/ +/) as [string, string, string, string, string])
    .map(([project, version, megabytes, tag, sha256]) => {
      return { project, version, sha256, platform: `manylinux${tag}_x86_64`, megabytes: Number(megabytes) };
    });

const CPU = wheels(`
  tensorflow-cpu ${TENSORFLOW_VERSION} 274 _2_27 2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c
`);

/** TensorFlow for GPUs with the CUDA 12 libraries that its extra `and-cuda` names. */
const GPU = wheels(`
  tensorflow ${TENSORFLOW_VERSION} 572 _2_27 9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124
  nvidia-cublas-cu12       12.9.3.13  581 _2_27 d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72
  nvidia-cuda-cupti-cu12   12.8.90     10 2014  ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182
  nvidia-cuda-nvcc-cu12    12.9.86     41 2010  5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0
  nvidia-cuda-nvrtc-cu12   12.9.86     90 2010  210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4
  nvidia-cuda-runtime-cu12 12.9.79      3 2014  25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3
  nvidia-cudnn-cu12        9.28.0.42  717 _2_27 9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375
  nvidia-cufft-cu12        11.4.1.4   201 2014  c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28
  nvidia-curand-cu12       10.3.10.19  68 _2_27 49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e
  nvidia-cusolver-cu12     11.7.5.82  338 _2_27 15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88
  nvidia-cusparse-cu12     12.5.10.65 366 2014  73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78
  nvidia-nccl-cu12         2.32.3     352 _2_27 bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c
  nvidia-nvjitlink-cu12    12.9.86     40 2010  e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9
`);

export const WHEELS: Readonly<Record<RuntimeKind, readonly Wheel[]>> = { cpu: CPU, gpu: GPU };

/** Where the members that are needed go in a runtime tree; everything else in a wheel is skipped. */
const NEEDED: readonly (readonly [member: RegExp, target: string])[] = [
  [/^tensorflow\/(libtensorflow_(?:cc|framework)\.so\.2)$/, "lib/$1"],
  [/^tensorflow\/(include\/tensorflow\/c\/.*\.h)$/, "$1"],
  [/^tensorflow\/(include\/tensorflow\/core\/platform\/ctstring\w*\.h)$/, "$1"],
  [/^tensorflow\/(include\/tsl\/platform\/ctstring\w*\.h)$/, "$1"],
  [/^tensorflow\/(include\/xla\/tsl\/c\/.*\.h)$/, "$1"],
  [/^(nvidia\/\w+\/lib\/[^/]+\.so[^/]*)$/, "$1"],
  [/^(nvidia\/cuda_nvcc\/bin\/ptxas)$/, "$1"],
  [/^(nvidia\/cuda_nvcc\/nvvm\/libdevice\/[^/]+\.bc)$/, "$1"],
];

/** A wheel member's path in a runtime tree; undefined where it is not needed. */
export function memberTarget(member: string): string | undefined {
  if (member.split("/").includes("..")) return undefined;
  const row = NEEDED.find(([pattern]) => pattern.test(member));
  return row && member.replace(row[0], row[1]);
}
