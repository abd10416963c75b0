import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProgram } from "../helpers/pefd.js";
import { GPUS, type Pretence } from "./pretended/pretence.js";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { syntheticData } from "./runs/run.js";
import { treeWithout, useTree } from "./runtime/installation.js";
import { gpuTree, noPretendedGpu } from "./runtime/runtimeTree.js";

/** Libraries without one of which TensorFlow uses no GPU at all. */
const LIBRARIES = [
  "libcudart.so.12",
  "libcublas.so.12",
  "libcublasLt.so.12",
  "libcufft.so.11",
  "libcusolver.so.11",
  "libcusparse.so.12",
  "libcudnn.so.9",
];

/** A line of doctor's: its mark, and what it says of the GPU. */
interface Said {
  readonly exitCode: number | null;
  /** ok, no or -- */
  readonly mark: string | undefined;
  readonly gpu: string;
  /** Everything. */
  readonly text: string;
}

/** A machine, what doctor is to say of its GPU, and with which mark. */
type Machine = readonly [title: string, pretence: Pretence, mark: "ok" | "no", says: RegExp[]];

const H100 = /^NVIDIA H100 80GB HBM3, compute capability 9\.0, 79\.6 GB/;
const OTHERWISE = /PEFD_RUNTIME=cpu (pefd|node \S*bin\/pefd\.js) setup/;

const MACHINES: readonly Machine[] = [
  ["an H100", {}, "ok", [H100, /driver 580\.82\.07/]],
  [
    "a 4090 beside a T4: bus order, and how to take the other",
    { gpus: [GPUS.t4, GPUS.rtx4090] },
    "ok",
    [/^Tesla T4, compute capability 7\.5/, /--gpu 1: NVIDIA GeForce RTX 4090, compute capability 8\.9/],
  ],
  [
    "CUDA_VISIBLE_DEVICES leaves the 4090 alone",
    { gpus: [GPUS.t4, GPUS.rtx4090], env: { CUDA_VISIBLE_DEVICES: "1" } },
    "ok",
    [/^NVIDIA GeForce RTX 4090/],
  ],
  [
    "a driver that is too old for a Hopper",
    { gpus: ["NVIDIA H100 80GB HBM3, 9.0, 535.54.15, 81559"] },
    "no",
    [/^NOT USED: .*driver 535\.54\.15/, /555\.42\.02 or newer/, OTHERWISE],
  ],
  [
    "a capability that is too old",
    { gpus: ["Tesla M60, 5.2, 580.82.07, 7618"] },
    "no",
    [/^NOT USED: Tesla M60.*5\.2/, OTHERWISE],
  ],
  ["nvidia-smi that fails", { smi: "fails" }, "ok", [H100, /nvidia-smi failed: NVIDIA-SMI has failed/]],
  // TensorFlow itself uses no GPU without that library: the "utility" of a container for GPUs.
  [
    "no NVML, as in a container that may compute and nothing else",
    { smi: "no-library", without: ["libnvidia-ml.so.1"] },
    "no",
    [/^NOT USED: NVIDIA H100/, /libnvidia-ml\.so\.1/, /NVIDIA_DRIVER_CAPABILITIES=compute,utility/],
  ],
  ["no nvidia-smi", { smi: null }, "ok", [H100, /nvidia-smi is missing/]],
  ["nvidia-smi that knows no capabilities", { smi: "old" }, "ok", [H100]],
  [
    "another cuDNN in LD_LIBRARY_PATH",
    { env: { PRETENDED_CUDNN: "90100" } },
    "no",
    [/^NOT USED: the loader finds cuDNN 9\.1\.0 in \S+ \(setup's is 9\.28\.0\)/, /unset LD_LIBRARY_PATH/],
  ],
  ["a driver that does not start", { cuInit: 999 }, "no", [/^NOT USED: found NVIDIA H100.*cuInit failed/, OTHERWISE]],
];

describe("doctor on pretended machines", { skip: noPretendedGpu() }, () => {
  let gpu: PretendedGpu;

  before(() => {
    gpu = pretendGpu();
  });
  after(() => gpu?.remove());

  const doctor = async (pretence: Pretence): Promise<Said> => {
    const { exitCode, stdout, stderr } = await gpu.pefd(["doctor"], pretence);
    const [, mark, said = ""] = stdout.match(/^(ok|no|--) {2}GPU {2,}(.*(?:\n {4,}.*)*)/m) ?? [];
    return { exitCode, mark, gpu: said.replace(/\n +/g, " "), text: stdout + stderr };
  };

  for (const [title, pretence, mark, says] of MACHINES) {
    it(title, async () => {
      const said = await doctor(pretence);
      assert.equal(said.mark, mark, said.text);
      assert.equal(said.exitCode, mark === "ok" ? 0 : 3, said.text);
      for (const pattern of says) assert.match(said.gpu, pattern);
    });
  }

  it("tells which libraries serve, and their versions", async () => {
    const { text } = await doctor({});
    for (const library of LIBRARIES) assert.match(text, new RegExp(`^ +${library} +/?\\S+`, "m"));
    assert.match(text, /CUDA 12\.9 .*cuDNN 9\.28/);
    const { stdout } = await gpu.pefd(["doctor", "--json"]);
    const { gpu: found } = JSON.parse(stdout);
    assert.equal(found.name, "NVIDIA H100 80GB HBM3");
    assert.deepEqual([found.capability, found.driver, found.cuda], ["9.0", "580.82.07", "12.9"]);
    assert.equal(found.memory, 81559 * 2 ** 20);
  });

  it("tells what memory is free, and who holds the rest", async () => {
    const taken = { megabytes: 81000, holders: "4242, /usr/bin/python3, 78000\n17, [Not Found], [N/A]" };
    const { text } = await doctor({ taken });
    assert.match(text, /^ok {2}GPU memory +0\.5 of 79\.6 GB are free; python3 \(process 4242\) holds 76\.2 GB$/m);
  });

  it("a busy one is not ok, and a run says who holds it", async () => {
    const taken = { megabytes: 100, holders: "4242, python3, 100" };
    const { exitCode, text } = await doctor({ fault: "cuDevicePrimaryCtxRetain:1:46", taken });
    assert.equal(exitCode, 3);
    assert.match(text, /^no {2}GPU memory .*cuDevicePrimaryCtxRetain failed: CUDA_ERROR_DEVICE_UNAVAILABLE; python3/m);
    assert.match(text, /^no {2}TensorFlow .*busy or unavailable/m);
    const run = ["bench", "--what", "teacher", "--steps", "1"];
    const ended = await gpu.pefd(run, { fault: "cuDevicePrimaryCtxRetain:1:46", taken });
    assert.equal(ended.exitCode, 3);
    assert.match(ended.stderr, /busy or unavailable[\s\S]*GPU memory: .*python3 \(process 4242\) holds 0\.1 GB/);
  });

  it("arithmetic that is none is told by the first quantity that is wrong", async () => {
    const module = join(gpu.project, "dist/train/selfTest/selfTest.js");
    const code = `import(${JSON.stringify(module)}).then(async ({ arithmeticCheck }) => {
      console.log(JSON.stringify(await arithmeticCheck(process.execPath, process.env)));
    })`;
    const { stdout, stderr } = await runProgram(process.execPath, ["-e", code], { env: gpu.environment() });
    const { ok, detail, hint } = JSON.parse(stdout || assert.fail(stderr));
    assert.equal(ok, false);
    assert.match(detail, /^NVIDIA H100 80GB HBM3: in float32, the convolution (is off by|is no number)/);
    assert.match(hint, /PEFD_RUNTIME=cpu/);
  });

  it("a library from elsewhere that says no version is refused by its folder", async () => {
    const folder = join(gpu.root, "module");
    mkdirSync(folder);
    copyFileSync(join(gpuTree() as string, "nvidia/cufft/lib/libcufft.so.11"), join(folder, "libcufft.so.11"));
    const { LD_LIBRARY_PATH } = gpu.environment();
    const { exitCode, text } = await doctor({ env: { LD_LIBRARY_PATH: `${folder}:${LD_LIBRARY_PATH}` } });
    assert.equal(exitCode, 3, text);
    assert.match(
      text.replaceAll(/\n +/g, " "),
      /GPU libraries +NOT USED: the loader finds libcufft\.so\.11 in \S+\/module/,
    );
  });

  it("a run does not compute with another cuDNN, and says so", async () => {
    const data = await syntheticData(gpu, 64, 50);
    const run = [
      "train-teacher",
      "--model",
      "resnet8",
      "--epochs",
      "1",
      "--data",
      data,
      "--save_dir",
      join(gpu.root, "save"),
    ];
    const { exitCode, stderr, events } = await gpu.pefd(run, { env: { PRETENDED_CUDNN: "90100" } });
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /THE GPU IS NOT USED: the loader finds cuDNN 9\.1\.0.*unset LD_LIBRARY_PATH/);
    assert.equal(events.filter(({ kind }) => kind === "launch").length, 0);
  });

  for (const [i, library] of LIBRARIES.entries()) {
    it(`names ${library} where it is missing, and exits with 3`, async (t) => {
      const tree = gpuTree() as string;
      const folder = join(gpu.root, `tree-${i}/runtime`, basename(tree));
      treeWithout(tree, folder, (path) => basename(path) === library);
      useTree(gpu.project, folder);
      t.after(() => useTree(gpu.project, tree));
      const { exitCode, text } = await doctor({ without: [library] });
      assert.equal(exitCode, 3, text);
      assert.match(text, new RegExp(`^no {2}GPU libraries +${library}: `, "m"));
    });
  }
});
