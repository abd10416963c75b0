// Plays nvidia-smi for the machine that PRETENDED_GPUS tells of (fake/machine.h). PRETENDED_SMI makes it ail:
// fails, old (it does not know the compute capability), hangs, or no-library (there is no NVML).

/** One GPU, by the names of nvidia-smi's fields. */
type Fields = Readonly<Record<string, string>>;

const DEFAULT_GPUS = "NVIDIA H100 80GB HBM3, 9.0, 580.82.07, 81559";

const gpus: Fields[] = (process.env.PRETENDED_GPUS ?? DEFAULT_GPUS)
  .split("\n")
  .filter((line) => line.trim() !== "")
  .map((line, index) => {
    const [name = "", capability = "", driver = "", megabytes = ""] = line.split(",").map((cell) => cell.trim());
    return {
      index: String(index),
      count: "1",
      name,
      compute_cap: capability,
      driver_version: driver,
      "memory.total": `${megabytes} MiB`,
      "memory.used": "1234 MiB",
      "memory.free": `${Number(megabytes) - 1234} MiB`,
      "utilization.gpu": "0 %",
      uuid: `GPU-00000000-0000-0000-0000-${(index + 1).toString(16).padStart(12, "0")}`,
      "pci.bus_id": `00000000:${(index + 1).toString(16).padStart(2, "0").toUpperCase()}:00.0`,
    };
  });

const words = process.argv.slice(2);

function flagValue(...names: readonly string[]): string | undefined {
  for (const [i, word] of words.entries()) {
    const [flag, value] = word.split(/=(.*)/s);
    if (names.includes(flag ?? "")) return value ?? words[i + 1];
  }
  return undefined;
}

function end(text: string, code: number): never {
  process.stdout.write(`${text}\n`);
  process.exit(code);
}

/** The GPUs that --id names, by number, bus or UUID. */
function selected(): readonly Fields[] {
  const ids = flagValue("--id", "-i");
  if (ids === undefined) return gpus;
  return ids.split(",").map((id) => {
    const found = gpus.find((gpu) => [gpu.index, gpu.uuid, gpu["pci.bus_id"]].includes(id.trim()));
    return found ?? end("No devices were found", 6);
  });
}

function query(fields: readonly string[], format: string): string {
  const isOld = process.env.PRETENDED_SMI === "old";
  const unknown = fields.find((field) => gpus[0]?.[field] === undefined || (isOld && field === "compute_cap"));
  if (unknown !== undefined) end(`Field "${unknown}" is not a valid field to query.`, 2);
  const cell = (text: string) => (format.includes("nounits") ? text.replace(/ (MiB|%)$/, "") : text);
  const rows = selected().map((gpu) => fields.map((field) => cell(gpu[field] ?? "")).join(", "));
  return [...(format.includes("noheader") ? [] : [fields.join(", ")]), ...rows].join("\n");
}

const AILMENTS: Readonly<Record<string, () => unknown>> = {
  fails: () =>
    end(
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. " +
        "Make sure that the latest NVIDIA driver is installed and running.",
      9,
    ),
  "no-library": () => end("NVIDIA-SMI couldn't find libnvidia-ml.so library in your system.", 12),
  hangs: () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
};

AILMENTS[process.env.PRETENDED_SMI ?? ""]?.();
if (gpus.length === 0) end("No devices were found", 6);
// PRETENDED_HOLDERS: lines of `process, name, megabytes`.
if (flagValue("--query-compute-apps") !== undefined) {
  end((process.env.PRETENDED_HOLDERS ?? "").replaceAll(/(\d)$/gm, "$1 MiB"), 0);
}
const fields = flagValue("--query-gpu");
if (fields !== undefined) end(query(fields.split(","), flagValue("--format") ?? ""), 0);
end(gpus.map((gpu) => `GPU ${gpu.index}: ${gpu.name} (UUID: ${gpu.uuid})`).join("\n"), 0);
