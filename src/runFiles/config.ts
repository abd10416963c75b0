import { join } from "node:path";
import { z } from "zod";
import { identitySchema } from "./identity.js";
import { type Found, readStateFile, type StateFile } from "./stateFile.js";
import { count, name, place, setting, sha256, text } from "./values.js";

/** What a run was told and decided. */
export const CONFIG_FILE = "config.json";

const MOST_KEYS = 500;

const plugin = z.object({ path: text, sha256 }, "must be a plug-in's path and checksum");

const schema = z
  .object({
    kind: z.enum(["distill", "teacher"], "must be distill or teacher"),
    /** The model that is trained. */
    model: name.optional(),
    model_s: name.optional(),
    model_t: name.optional(),
    teacher: name.optional(),
    distill: name.optional(),
    epochs: place,
    trial: count.optional(),
    seed: count.optional(),
    versions: z.record(name, text).optional(),
    /** Files that the run has its method, a model or its data set from. */
    plugins: z.array(plugin, "must be a list of plug-ins").max(100, "is too long").optional(),
    identity: identitySchema.optional(),
  })
  .catchall(setting)
  .refine(
    (config) => Object.keys(config).length <= MOST_KEYS,
    `must have at most ${MOST_KEYS} keys`,
  );

/** A run's config.json. Those of earlier versions have no identity. */
export type RunConfig = z.infer<typeof schema>;

const KIND: StateFile<RunConfig> = { schema, maxBytes: 2 ** 18 };

/** The config.json of a run's folder. */
export const readConfig = (runDir: string): Found<RunConfig> =>
  readStateFile(join(runDir, CONFIG_FILE), KIND);
