import type { PrecisionName } from "#pefd/compile/types.js";

/** A GPU as its vendor describes it. */
export interface Card {
  /** As in NVIDIA's tools: `sm_90`. */
  readonly name: string;
  readonly product: string;
  readonly precisions: readonly PrecisionName[];
  /** Streaming multiprocessors, and of each: FP32 lanes, threads, shared memory in bytes. */
  readonly multiprocessors: number;
  readonly lanes: number;
  readonly threads: number;
  readonly shared: number;
  /** Of a block that asks for more than 48 KiB, in bytes. */
  readonly sharedOfBlock: number;
  /** MiB. */
  readonly l2: number;
  /** GB, GB/s and GHz. */
  readonly memory: number;
  readonly bandwidth: number;
  readonly clock: number;
  /** Its published float32 TFLOPS without tensor cores, which the numbers above have to make (cards.test.ts). */
  readonly teraflops: number;
}

const KIB = 1024;
const BOTH = ["bfloat16", "float32"] as const;

const card = (
  name: string,
  product: string,
  precisions: Card["precisions"],
  [multiprocessors, lanes, threads]: readonly [number, number, number],
  [shared, sharedOfBlock, l2]: readonly [number, number, number],
  [memory, bandwidth, clock]: readonly [number, number, number],
  teraflops: number,
): Card => ({
  name,
  product,
  precisions,
  multiprocessors,
  lanes,
  threads,
  shared: shared * KIB,
  sharedOfBlock: sharedOfBlock * KIB,
  l2,
  memory,
  bandwidth,
  clock,
  teraflops,
});

/**
 * One per compute capability that pefd supports. A100 and H100 are as in XLA's own descriptions (openxla/xla,
 * xla/backends/gpu/target_config/specs); the others' multiprocessors, caches, bandwidth and clock as in published tables.
 */
export const CARDS: readonly Card[] = [
  card("sm_75", "Tesla T4", ["float16", "float32"], [40, 64, 1024], [64, 64, 4], [16, 320, 1.59], 8.1),
  card("sm_80", "NVIDIA A100-SXM4-80GB", BOTH, [108, 64, 2048], [164, 163, 40], [80, 2039, 1.41], 19.5),
  card("sm_89", "NVIDIA GeForce RTX 4090", BOTH, [128, 128, 1536], [100, 99, 72], [24, 1008, 2.52], 82.6),
  card("sm_90", "NVIDIA H100 80GB HBM3", BOTH, [132, 128, 2048], [228, 227, 50], [80, 3352, 1.98], 67),
  card("sm_120", "NVIDIA GeForce RTX 5090", BOTH, [170, 128, 1536], [100, 99, 96], [32, 1792, 2.41], 104.8),
];

/** As in `7.5`. */
export const capabilityOf = ({ name }: Card): number => Number(name.slice("sm_".length)) / 10;

/** XLA's description of a card (GpuTargetConfigProto), as protocol buffers' text. */
export function targetConfig(of: Card): string {
  const digits = of.name.slice("sm_".length);
  const most = 2 ** 31 - 1;
  return `gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 threads_per_core_limit: ${of.threads}
  shared_memory_per_block: ${48 * KIB} shared_memory_per_block_optin: ${of.sharedOfBlock} shared_memory_per_core: ${of.shared}
  core_count: ${of.multiprocessors} fpus_per_core: ${of.lanes}
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
  block_dim_limit_x: ${most} block_dim_limit_y: 65535 block_dim_limit_z: 65535
  thread_dim_limit_x: 1024 thread_dim_limit_y: 1024 thread_dim_limit_z: 64
  memory_bandwidth: ${of.bandwidth * 1e9} l2_cache_size: ${of.l2 * KIB * KIB} device_memory_size: ${of.memory * 1e9}
  clock_rate_ghz: ${of.clock} pcie_bandwidth: 34359738368 device_address_bits: 64
  cuda_compute_capability { major: ${digits.slice(0, -1)} minor: ${digits.slice(-1)} }
  device_vendor: "NVIDIA Corporation" name: "${of.product}"
  driver_version: "13.0.0" runtime_version: "12.9.0" compile_time_toolkit_version: "12.9.0" dnn_version: "9.10.0"
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 10 patch: 0 }
device_description_str: "${of.product}"
`;
}
