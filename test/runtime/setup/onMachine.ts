import { runtimeIsReady } from "#pefd/runtime/setup/setUp.js";
import { type FakeMachine, fakeMachine } from "../fakeMachine.js";

/** The compiled binding, in the package's folder. */
export const BINDING = "lib/napi-v8/tfjs_binding.node";

/** What the log of a machine says of the processor's wheel. */
export const DOWNLOAD = "download tensorflow-cpu";

/** Whether a machine is set up, in its environment with changes. */
export const isReady = ({ packageFolder, settings }: FakeMachine, more = {}): boolean =>
  runtimeIsReady(packageFolder, { ...settings.env, ...more });

/**
 * Does something on a machine that is removed afterwards.
 * @param loads whether a compiled library loads, asked each time
 */
export async function onMachine(work: (machine: FakeMachine) => Promise<void>, loads?: () => boolean): Promise<void> {
  const machine = fakeMachine(loads);
  try {
    await work(machine);
  } finally {
    machine.remove();
  }
}
