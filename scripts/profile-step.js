// Where the time of a training step goes, by the kernels of TensorFlow:
//
//   node scripts/profile-step.js [distill|teacher] [BATCH] [MODEL] [PRECISION]
//
// Takes the graph that the graph engine makes of the step (resnet32x4 -> resnet8x4 by `ours`, or resnet32x4 alone, on
// random images; MODEL in the place of resnet32x4) to profile-step.py, which runs it in Python's TensorFlow with tracing: the binding of Node.js cannot
// trace. PEFD_PYTHON names a Python with tensorflow-cpu of the same version as `pefd doctor` tells.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { WORKS } from "../dist/bench/bench.js";
import { withBinding } from "../dist/runtime/native.js";
import { nativeDirectory } from "../dist/runtime/nativeFolder.js";
import { ownModuleFile } from "../dist/runtime/paths.js";
import { loadTensorFlow } from "../dist/runtime/tf.js";

const [what = "distill", batch = "16", teacher = "resnet32x4", precision = "float32"] = process.argv.slice(2);
const PAIR = { teacher, student: "resnet8x4", method: "ours" };
const size = { batchSize: Number(batch), steps: 1, testImages: 1 };

/** Runs what loads graphs, and copies each of them: its session deletes its own. */
const keepingGraphs = (folder, run) =>
  withBinding(
    ({ loadSavedModel }) => ({
      loadSavedModel: (directory, tags) => {
        cpSync(directory, folder, { recursive: true });
        return loadSavedModel(directory, tags);
      },
    }),
    run,
  );

const folder = mkdtempSync(join(tmpdir(), "pefd-profile-"));
try {
  loadTensorFlow({ env: process.env, keepPrograms: false });
  keepingGraphs(folder, () => WORKS[what](PAIR, size).open({ engine: "graph", precision }).dispose());
  const python = process.env.PEFD_PYTHON ?? "python3";
  const script = fileURLToPath(new URL("profile-step.py", import.meta.url));
  execFileSync(python, [script, folder, ownModuleFile(nativeDirectory())], {
    stdio: ["ignore", "inherit", "inherit"],
  });
} finally {
  rmSync(folder, { recursive: true });
}
