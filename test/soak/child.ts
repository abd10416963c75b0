import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { distillOptions, silentHooks } from "../train/runs.js";

// Runs (or goes on with) a distillation in a process of its own, for tests that kill it.
// Arguments: folder of the data and the teacher, save folder, epochs. Prints a dot when the run starts and after
// every step, so that whoever kills it knows how far it is.
const [folder, saveDir, epochs] = process.argv.slice(2) as [string, string, string];
loadTensorFlow();
const dot = () => process.stdout.write(".");
const changes = { save_dir: saveDir, epochs: Number(epochs), save_freq: 1, tb_freq: 1 };
const options = distillOptions(folder, { ...changes, resume: true, deterministic: true });
await runDistill(options, silentHooks({ runStarted: dot, stepDone: dot }));
