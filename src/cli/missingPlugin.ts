import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { PefdError } from "../common/errors.js";
import { shellWord } from "../common/text.js";
import type { UsedPlugin } from "../config/record.js";
import { namesIn } from "../distill/combination.js";
import { collectRuns } from "../report/runs/collect.js";
import type { RunRecord } from "../report/runs/runRecord.js";
import type { Invocation } from "./command.js";

const KEYS = ["distill", "model", "model_s", "model_t", "dataset"] as const;

const names = ({ config }: RunRecord, name: string): boolean =>
  KEYS.some((key) => {
    const own = config[key];
    return own === name || (["distill", "model_t"].includes(key) && namesIn(String(own)).includes(name));
  });

const textsOf = (value: unknown): string[] => [value].flat().filter((text) => typeof text === "string");

/** Folders in which the run may be that is meant: what was typed, and where runs are written. */
function placesOf({ flags, positionals }: Invocation): string[] {
  const files = textsOf(flags.checkpoint).map(dirname);
  const typed = [...positionals, ...textsOf(flags.run), ...files];
  return [...typed, ...textsOf(flags.save_dir ?? "./save")].filter(
    (place) => existsSync(place) && statSync(place).isDirectory(),
  );
}

const pluginsOf = ({ config }: RunRecord): string[] =>
  ((config.plugins ?? []) as readonly UsedPlugin[]).map(({ path }) => path);

/** Adds to an unknown name's error the plug-in that a run recorded, which is not loaded: whoever types it decides. */
export function withPluginHint(error: unknown, invocation: Invocation): unknown {
  if (!(error instanceof PefdError) || error.unknownName === undefined) return error;
  const name = error.unknownName;
  const runs = placesOf(invocation).flatMap((place) => collectRuns([place]).runs);
  const run = runs.find((one) => pluginsOf(one).length > 0 && names(one, name));
  if (run === undefined) return error;
  const words = pluginsOf(run).flatMap((path) => ["--plugin", shellWord(path)]);
  const hint = `${run.dir} has ${name} from a plug-in: add ${words.join(" ")}`;
  return Object.assign(new PefdError(error.message, error.exitCode, hint), { cause: error });
}
