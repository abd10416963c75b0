import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Signs of a GPU that need no driver to answer. */
export interface Traces {
  /** GPUs by name as the kernel's driver lists them in /proc/driver/nvidia. */
  readonly models: readonly string[];
  /** Version of the kernel's driver, such as "550.54.15". */
  readonly driver: string | undefined;
  /** Device files of GPUs: /dev/nvidia0. */
  readonly deviceFiles: readonly string[];
  /** Display controllers of NVIDIA on the PCI bus, with or without a driver. */
  readonly onBus: number;
}

/** The names in a folder; none where it is not there or may not be read. */
function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  } catch {
    return "";
  }
}

const NVIDIA = "0x10de";
/** Class of a display or 3D controller. */
const DISPLAY = /^0x03/;

/** Looks at what the kernel shows of NVIDIA's GPUs. @param root of the file system */
export function lookForTraces(root = "/"): Traces {
  const folder = join(root, "proc/driver/nvidia");
  const information = entries(join(folder, "gpus")).map((name) =>
    read(join(folder, "gpus", name, "information")),
  );
  const pci = join(root, "sys/bus/pci/devices");
  const isGpu = (name: string) =>
    read(join(pci, name, "vendor")).trim() === NVIDIA &&
    DISPLAY.test(read(join(pci, name, "class")));
  return {
    models: information.map((text) => text.match(/^Model:\s*(.+)$/m)?.[1]?.trim() ?? "NVIDIA GPU"),
    driver: read(join(folder, "version")).match(/\b(\d{3,}\.\d+(?:\.\d+)?)\b/)?.[1],
    deviceFiles: entries(join(root, "dev")).filter((name) => /^nvidia\d+$/.test(name)),
    onBus: entries(pci).filter(isGpu).length,
  };
}
