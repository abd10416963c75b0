import { homedir } from "node:os";
import { cacheDirectory } from "../../common/cachePaths.js";
import { flag, flagSection } from "../../common/optionRow.js";
import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { removeSetUp, setUp } from "../../runtime/setup/setUp.js";
import type { Command, Output } from "../command.js";
import { transferProgress } from "../transfer.js";
import { asTyped, programOf } from "../typed.js";

const UNDO = flagSection("Undo", {
  remove: flag("Remove everything that setup installed from the cache folder."),
});

function progressOf(output: Output) {
  let bar = transferProgress(output);
  const onPhase = (text: string) => {
    bar.stop();
    bar = transferProgress(output);
    output.notice(text);
  };
  const onBytes = (received: number, total: number) => bar.update({ received, total });
  return { onPhase, onBytes, stop: () => bar.stop() };
}

async function bring(env: Readonly<Record<string, string | undefined>>, output: Output) {
  const { stop, ...progress } = progressOf(output);
  const node = { program: process.execPath, platform: process.platform, arch: process.arch };
  try {
    const changed = await setUp({ env, home: homedir(), node, ...progress });
    const cache = cacheDirectory(env, homedir());
    const outcome = changed ? "pefd is set up" : "pefd is already set up";
    const next = asTyped("Check it with: pefd doctor", programOf(process));
    output.result(`${outcome}, in ${cache}. ${next}`, { changed, cache });
  } finally {
    stop();
  }
}

/** pefd setup: installs TensorFlow's native library into the cache folder and compiles the native modules. */
export const command: Command = {
  sections: [UNDO, DOCUMENT, GENERAL],
  examples: [
    ["pefd setup", "TensorFlow's native library, into the cache folder"],
    ["PEFD_RUNTIME=cpu pefd setup", "the CPU build, even if there is a GPU"],
    ["pefd setup --remove", "uninstall it"],
  ],
  async run({ flags, env, output }) {
    if (flags.remove !== true) return bring(env, output);
    const cache = cacheDirectory(env, homedir());
    const removed = await removeSetUp(cache);
    const what = removed.length === 0 ? "Nothing to remove" : `Removed ${removed.join(", ")}`;
    output.result(`${what} in ${cache}.`, { removed, cache });
  },
};
