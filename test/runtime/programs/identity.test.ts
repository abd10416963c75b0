import assert from "node:assert/strict";
import { test } from "node:test";
import { programsIdentity } from "#pefd/runtime/prepare.js";

const gpu = { name: "NVIDIA H100", capability: "9.0", driver: "580.82.07", cudnn: "9.28.0" };
const env = { XLA_FLAGS: "--xla_gpu_cuda_data_dir=/cuda --xla_gpu_autotune_level=0" };
const here = programsIdentity(gpu, env);

test("programs of another GPU, driver, cuDNN, or other flags lie elsewhere", () => {
  const others = [
    programsIdentity({ ...gpu, name: "NVIDIA H200" }, env),
    programsIdentity({ ...gpu, capability: "9.1" }, env),
    programsIdentity({ ...gpu, driver: "570.12.01" }, env),
    programsIdentity({ ...gpu, cudnn: "9.29.0" }, env),
    programsIdentity(undefined, env),
    programsIdentity(gpu, { XLA_FLAGS: "--xla_gpu_autotune_level=4" }),
    programsIdentity(gpu, { ...env, NVIDIA_TF32_OVERRIDE: "0" }),
    programsIdentity(gpu, { ...env, TF_DETERMINISTIC_OPS: "1" }),
  ];
  assert.equal(new Set([here, ...others]).size, others.length + 1);
});

test("where the tools lie and what is written down does not matter", () => {
  const flags = "--xla_gpu_cuda_data_dir=/other --xla_dump_to=/tmp/x --xla_gpu_autotune_level=0 --xla_dump_hlo_as_text";
  assert.equal(programsIdentity(gpu, { XLA_FLAGS: flags, HOME: "/root" }), here);
});
