import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { lookForTraces } from "#pefd/runtime/gpu/survey.js";

const NOTHING = { models: [], driver: undefined, deviceFiles: [], onBus: 0 };

test("the kernel's signs of a GPU are read, and a machine without them has none", () => {
  const root = mkdtempSync(join(tmpdir(), "pefd-traces-"));
  try {
    assert.deepEqual(lookForTraces(root), NOTHING);
    const files = {
      "proc/driver/nvidia/version":
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.82.07  Release Build\nGCC version:  gcc version 13.3.0\n",
      "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA H100 80GB HBM3\nIRQ:   \t\t 97\n",
      "dev/nvidia0": "",
      "dev/nvidiactl": "",
      "sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
      "sys/bus/pci/devices/0000:01:00.0/class": "0x030200\n",
      "sys/bus/pci/devices/0000:01:00.1/vendor": "0x10de\n",
      "sys/bus/pci/devices/0000:01:00.1/class": "0x040300\n",
      "sys/bus/pci/devices/0000:02:00.0/vendor": "0x8086\n",
      "sys/bus/pci/devices/0000:02:00.0/class": "0x030000\n",
    };
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    }
    assert.deepEqual(lookForTraces(root), {
      models: ["NVIDIA H100 80GB HBM3"],
      driver: "580.82.07",
      deviceFiles: ["nvidia0"],
      onBus: 1,
    });
  } finally {
    rmSync(root, { recursive: true });
  }
});
