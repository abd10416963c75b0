/** What to do about what the CUDA driver says, by the number of its error. */
const ADVICE: Readonly<Record<number, string>> = {
  3: "Load the driver's modules: sudo modprobe nvidia nvidia_uvm.",
  34: "LD_LIBRARY_PATH names CUDA's stubs: take that folder out of it.",
  35: "Bring the driver to a newer version.",
  46: "Another process has the GPU for itself: nvidia-smi shows which.",
  100: "See whether CUDA_VISIBLE_DEVICES names a GPU of this machine; in a container, start it with --gpus all.",
  101: "CUDA_VISIBLE_DEVICES names no GPU of this machine: nvidia-smi -L lists them.",
  304: "This user may not open /dev/nvidia*: see their permissions, or the container's.",
  802: "Start the fabric manager: sudo systemctl start nvidia-fabricmanager.",
  803: "The driver was updated while it was running: restart the machine.",
  804: "CUDA's compatibility libraries are not for this GPU: take their folder out of LD_LIBRARY_PATH.",
  999: "Load the module nvidia_uvm again (sudo modprobe -r nvidia_uvm; sudo modprobe nvidia_uvm), or restart the machine.",
};

const LIBRARY_MISSING =
  "In a container, start it with --gpus all (NVIDIA Container Toolkit); else install NVIDIA's driver.";

/** What to do about a CUDA driver that lists no GPU. */
export function driverAdvice(problem: { readonly text: string; readonly code?: number }): string {
  if (problem.code !== undefined)
    return ADVICE[problem.code] ?? "nvidia-smi shows the driver's state.";
  return /cannot open shared object/.test(problem.text)
    ? LIBRARY_MISSING
    : "nvidia-smi shows the driver's state.";
}

/** What to do about one of the driver's own libraries that TensorFlow could not open, by its name. */
const DRIVER_LIBRARIES: Readonly<Record<string, string>> = {
  "libnvidia-ml.so.1":
    "In a container, start it with NVIDIA_DRIVER_CAPABILITIES=compute,utility; else install NVIDIA's driver whole.",
  "libcuda.so.1": LIBRARY_MISSING,
};

/**
 * What to do where the driver answers and TensorFlow uses no GPU all the same.
 * @param reason TensorFlow's own words
 */
export function unusedAdvice(reason: string): string {
  const known = Object.entries(DRIVER_LIBRARIES).find(([name]) => reason.includes(name));
  return known?.[1] ?? "pefd setup";
}
