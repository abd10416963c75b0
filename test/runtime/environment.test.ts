import assert from "node:assert/strict";
import { test } from "node:test";
import { nativeEnvironment } from "#pefd/runtime/prepare.js";

const settings = { env: {}, programCache: "/c/xla", cudaDirectory: "/c/cuda", processors: 2 };

test("everything is set where the user has set nothing", () => {
  assert.deepEqual(nativeEnvironment(settings), {
    TF_FORCE_GPU_ALLOW_GROWTH: "true",
    TF_CPP_MIN_LOG_LEVEL: "3",
    TF_ENABLE_ONEDNN_OPTS: "1",
    XLA_FLAGS: "--xla_gpu_cuda_data_dir=/c/cuda",
    TF_XLA_FLAGS:
      "--tf_xla_persistent_cache_directory=/c/xla --tf_xla_persistent_cache_device_types=CPU,XLA_CPU_JIT,GPU,XLA_GPU_JIT",
  });
});

test("what the user has set is kept, and our other flags are added to it", () => {
  const env = {
    TF_CPP_MIN_LOG_LEVEL: "0",
    TF_FORCE_GPU_ALLOW_GROWTH: "false",
    TF_ENABLE_ONEDNN_OPTS: "0",
    XLA_FLAGS: "--xla_gpu_cuda_data_dir=/mine",
    TF_XLA_FLAGS: "--tf_xla_auto_jit=2 --tf_xla_persistent_cache_directory=/mine",
  };
  const variables = nativeEnvironment({ ...settings, env });
  assert.equal(variables.TF_CPP_MIN_LOG_LEVEL, "0");
  assert.equal(variables.TF_FORCE_GPU_ALLOW_GROWTH, "false");
  assert.equal(variables.TF_ENABLE_ONEDNN_OPTS, "0");
  assert.equal(variables.XLA_FLAGS, "--xla_gpu_cuda_data_dir=/mine");
  assert.equal(
    variables.TF_XLA_FLAGS,
    "--tf_xla_auto_jit=2 --tf_xla_persistent_cache_directory=/mine --tf_xla_persistent_cache_device_types=CPU,XLA_CPU_JIT,GPU,XLA_GPU_JIT",
  );
});

test("setting it twice changes nothing", () => {
  const once = nativeEnvironment(settings);
  assert.deepEqual(nativeEnvironment({ ...settings, env: once }), once);
});

test("without a GPU runtime or a cache the flags of XLA are left alone", () => {
  const bare = { env: {}, programCache: undefined, cudaDirectory: undefined, processors: 64 };
  assert.deepEqual(Object.keys(nativeEnvironment(bare)), [
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_CPP_MIN_LOG_LEVEL",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_PEFD_GRAPH_OPTIMIZER",
  ]);
});

test("on a processor graphs run as we wrote them, unless the user wants TensorFlow to optimize them", () => {
  const bare = { ...settings, cudaDirectory: undefined };
  assert.equal(nativeEnvironment(bare).TF_PEFD_GRAPH_OPTIMIZER, "off");
  const env = { TF_PEFD_GRAPH_OPTIMIZER: "on" };
  assert.equal(nativeEnvironment({ ...bare, env }).TF_PEFD_GRAPH_OPTIMIZER, "on");
  assert.equal(nativeEnvironment(settings).TF_PEFD_GRAPH_OPTIMIZER, undefined);
});

test("on two processors ops run one after the other, unless the user or a GPU has it otherwise", () => {
  const two = { ...settings, cudaDirectory: undefined };
  const threads = (more: object) => nativeEnvironment({ ...two, ...more }).TF_NUM_INTEROP_THREADS;
  assert.equal(threads({}), "1");
  assert.equal(threads({ env: { TF_NUM_INTEROP_THREADS: "2" } }), "2");
  assert.equal(threads({ processors: 3 }), undefined);
  assert.equal(threads({ cudaDirectory: "/c/cuda" }), undefined);
});

const gpu = { name: "H100", capability: "9.0", driver: "580.82.07", cudnn: "9.28.0" };

test("a GPU's float32 is float32 proper where it has to be: neither the libraries nor XLA take TF32", () => {
  const exact = nativeEnvironment({ ...settings, gpu, exactFloat32: true });
  assert.equal(exact.NVIDIA_TF32_OVERRIDE, "0");
  assert.match(exact.XLA_FLAGS ?? "", / --xla_gpu_enable_triton_gemm=false$/);
  const own = { NVIDIA_TF32_OVERRIDE: "1" };
  assert.equal(nativeEnvironment({ ...settings, gpu, exactFloat32: true, env: own }).NVIDIA_TF32_OVERRIDE, "1");
  assert.deepEqual(nativeEnvironment({ ...settings, gpu }), nativeEnvironment(settings));
});

test("--deterministic asks a GPU for one order of sums, and changes nothing on a processor", () => {
  const same = nativeEnvironment({ ...settings, gpu, deterministic: true });
  assert.equal(same.TF_DETERMINISTIC_OPS, "1");
  assert.match(same.XLA_FLAGS ?? "", / --xla_gpu_deterministic_ops=true$/);
  const asked = { ...settings, exactFloat32: true, deterministic: true };
  assert.deepEqual(nativeEnvironment(asked), nativeEnvironment(settings));
});

test("a folder with a blank in its name is quoted for TensorFlow's flag parser", () => {
  const { TF_XLA_FLAGS } = nativeEnvironment({ ...settings, programCache: "/a b/xla" });
  assert.match(TF_XLA_FLAGS ?? "", /directory="\/a b\/xla" /);
});

test("kernels that the GPU's driver compiles are kept in the cache folder, unless the user keeps them elsewhere", () => {
  const gpu = { ...settings, kernelCache: "/cache/cuda" };
  const { CUDA_CACHE_PATH, CUDA_CACHE_MAXSIZE } = nativeEnvironment(gpu);
  assert.deepEqual([CUDA_CACHE_PATH, CUDA_CACHE_MAXSIZE], ["/cache/cuda", String(4 * 2 ** 30)]);
  const own = nativeEnvironment({ ...gpu, env: { CUDA_CACHE_PATH: "/own", CUDA_CACHE_MAXSIZE: "1" } });
  assert.deepEqual([own.CUDA_CACHE_PATH, own.CUDA_CACHE_MAXSIZE], ["/own", "1"]);
  assert.equal(nativeEnvironment(settings).CUDA_CACHE_PATH, undefined);
});
