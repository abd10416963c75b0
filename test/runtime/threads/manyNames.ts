import { parentPort, Worker, workerData } from "node:worker_threads";
import { type NativeBinding, nativeBackend } from "#pefd/runtime/native.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { loadThreadBinding } from "#pefd/runtime/threadBinding.js";

// A program: its main thread and others call ops whose attributes have names that nobody has used before.

const THREADS = 3;
const OPS = 1000;
const NAMES_PER_OP = 100;

/** Waits until all threads are there. @returns how many ops were called */
function callOps(binding: NativeBinding, thread: number, ready: Int32Array): number {
  Atomics.add(ready, 0, 1);
  while (Atomics.load(ready, 0) < THREADS);
  let called = 0;
  for (; called < OPS; called++) {
    const attributes = Array.from({ length: NAMES_PER_OP }, (_, i) => ({
      name: `${i}_${called}_${thread}`,
      type: binding.TF_ATTR_INT,
      value: 1,
    }));
    binding.executeOp("NoOp", attributes, [], 0);
  }
  return called;
}

if (parentPort === null) {
  loadTensorFlow();
  const ready = new Int32Array(new SharedArrayBuffer(4));
  const others = Array.from({ length: THREADS - 1 }, (_, i) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: [i, ready] });
    return new Promise<number>((done) => thread.on("message", done));
  });
  const called = [callOps(nativeBackend().binding, THREADS, ready), ...(await Promise.all(others))];
  process.stdout.write(`${called.reduce((sum, count) => sum + count)} ops`);
} else {
  const [thread, ready] = workerData as [number, Int32Array];
  parentPort.postMessage(callOps(loadThreadBinding(), thread, ready));
}
