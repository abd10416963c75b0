import { parentPort, Worker, workerData } from "node:worker_threads";
import { threadSafe } from "#pefd/runtime/attributeNames.js";
import type { NativeBinding } from "#pefd/runtime/native.js";

// A program: threads call an op of a binding that notes which calls meet.

const THREADS = 3;
const CALLS = 60;
/** Every so many calls an attribute has a name that nobody has used before. */
const NEW_EVERY = 10;

// Places of what threads share: who is there, calls that are in progress, those of them with new names, how often one
// with a new name met another, and how often calls with known names met.
const [READY, ALL, NEW, NEW_MET, KNOWN_MET] = [0, 1, 2, 3, 4];

const sleep = (): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);

/** A binding whose op takes a millisecond. A name with a dash is new. */
function notingBinding(shared: Int32Array): NativeBinding {
  const executeOp: NativeBinding["executeOp"] = (_op, attributes) => {
    const isNew = attributes.some(({ name }) => name.includes("-"));
    if (isNew) Atomics.add(shared, NEW, 1);
    if (Atomics.add(shared, ALL, 1) > 0) {
      Atomics.add(shared, Atomics.load(shared, NEW) > 0 ? NEW_MET : KNOWN_MET, 1);
    }
    sleep();
    Atomics.sub(shared, ALL, 1);
    if (isNew) Atomics.sub(shared, NEW, 1);
    return [];
  };
  return { executeOp } as unknown as NativeBinding;
}

function callOps(binding: NativeBinding, thread: number, shared: Int32Array): void {
  const call = (name: string) => binding.executeOp("op", [{ name, type: 0, value: 0 }], [], 0);
  call("known");
  Atomics.add(shared, READY, 1);
  while (Atomics.load(shared, READY) < THREADS) sleep();
  for (let i = 1; i < CALLS; i++) call(i % NEW_EVERY === 0 ? `${thread}-${i}` : "known");
}

if (parentPort === null) {
  const shared = new Int32Array(new SharedArrayBuffer(20));
  const binding = threadSafe(notingBinding(shared));
  const others = Array.from({ length: THREADS - 1 }, (_, i) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: [i, shared] });
    return new Promise((done) => thread.on("exit", done));
  });
  callOps(binding, THREADS, shared);
  await Promise.all(others);
  process.stdout.write(JSON.stringify({ new: shared[NEW_MET], known: shared[KNOWN_MET] }));
} else {
  const [thread, shared] = workerData as [number, Int32Array];
  callOps(threadSafe(notingBinding(shared)), thread, shared);
}
