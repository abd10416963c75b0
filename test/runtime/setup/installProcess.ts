import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type InstallSettings, installRuntime } from "#pefd/runtime/setup/setUp.js";
import { ROOT } from "../../helpers/paths.js";

// A setup in a process of its own, so that it can be killed: settings come as JSON, phases go to stdout.

type Exclusively = (key: string, onWait: () => void, work: (inherit: number[]) => Promise<unknown>) => Promise<void>;

const lock = pathToFileURL(join(ROOT, "scripts/setup/lock.js")).href;
const { exclusively } = (await import(lock)) as { exclusively: Exclusively };

const settings = JSON.parse(process.argv[2] ?? "") as InstallSettings;
const say = (text: string) => process.stdout.write(`${text}\n`);

await exclusively(
  settings.cache,
  () => say("Waiting"),
  (inherit) =>
    installRuntime({
      ...settings,
      inherit,
      probe: async () => ({ version: "2.21.0", usesGpu: false, reason: "" }),
      onPhase: say,
      onBytes: () => {},
    }),
);
say("Done");
