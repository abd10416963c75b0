import { homedir } from "node:os";
import { cacheDirectory } from "#pefd/common/cachePaths.js";
import { treeDirectory, treeIsComplete } from "#pefd/runtime/setup/tree.js";

/**
 * TensorFlow's build for GPUs: where PEFD_GPU_TREE says, else in the cache folder.
 * @returns undefined where it is not there, or not all of it
 */
export function gpuTree(): string | undefined {
  const named = process.env.PEFD_GPU_TREE;
  const tree = named || treeDirectory(cacheDirectory(process.env, homedir()), "gpu");
  return treeIsComplete(tree, "gpu") ? tree : undefined;
}

/** Why a test that needs a pretended GPU must be skipped, or false where it can run. */
export function noPretendedGpu(): string | false {
  return gpuTree() === undefined
    ? "TensorFlow's build for GPUs (3.4 GB) is neither in PEFD_GPU_TREE nor in the cache folder; .ci/run brings it"
    : false;
}
