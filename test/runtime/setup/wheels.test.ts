import assert from "node:assert/strict";
import { test } from "node:test";
import { memberTarget, WHEELS } from "#pefd/runtime/setup/wheels.js";

test("the libraries, the C headers and the CUDA tools are taken from the wheels", () => {
  const taken: Record<string, string> = {
    "tensorflow/libtensorflow_cc.so.2": "lib/libtensorflow_cc.so.2",
    "tensorflow/libtensorflow_framework.so.2": "lib/libtensorflow_framework.so.2",
    "tensorflow/include/tensorflow/c/eager/c_api.h": "include/tensorflow/c/eager/c_api.h",
    "tensorflow/include/tensorflow/core/platform/ctstring_internal.h":
      "include/tensorflow/core/platform/ctstring_internal.h",
    "tensorflow/include/tsl/platform/ctstring.h": "include/tsl/platform/ctstring.h",
    "tensorflow/include/xla/tsl/c/tsl_status.h": "include/xla/tsl/c/tsl_status.h",
    "nvidia/cublas/lib/libcublas.so.12": "nvidia/cublas/lib/libcublas.so.12",
    "nvidia/cuda_nvcc/bin/ptxas": "nvidia/cuda_nvcc/bin/ptxas",
    "nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc": "nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc",
  };
  for (const [member, target] of Object.entries(taken)) {
    assert.equal(memberTarget(member), target);
  }
});

test("everything else stays in the wheel, and no member can leave the tree", () => {
  const left = [
    "tensorflow/python/ops/math_ops.py",
    "tensorflow/include/Eigen/Core",
    "nvidia/cublas/include/cublas.h",
    "nvidia/cublas/lib/../../../evil.so",
    "/tensorflow/libtensorflow_cc.so.2",
  ];
  for (const member of left) assert.equal(memberTarget(member), undefined, member);
});

test("every wheel is pinned to its bytes, and no two share them", () => {
  const wheels = [...WHEELS.cpu, ...WHEELS.gpu];
  for (const { sha256 } of wheels) assert.match(sha256, /^[0-9a-f]{64}$/);
  assert.equal(new Set(wheels.map(({ sha256 }) => sha256)).size, wheels.length);
});

test("the GPU runtime holds every CUDA package whose folder TensorFlow's libraries look into", () => {
  const projects = WHEELS.gpu.map(({ project }) => project);
  const needed = ["cublas", "cudnn", "cufft", "cusparse", "cusolver", "cuda-runtime", "cuda-cupti"];
  for (const name of [...needed, "nccl", "curand", "nvjitlink", "cuda-nvrtc", "cuda-nvcc"]) {
    assert.ok(projects.includes(`nvidia-${name}-cu12`), name);
  }
});
