import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { count, type Found, name, place, readStateFile, type StateFile, setting, sha256, text } from "./stateFile.js";

/** Everything that a run's numbers depend on: two runs of one identity are the same run. */
export const identitySchema = z.object(
  {
    /** Of the whole files, whatever part of them a run takes. */
    trainSha256: sha256,
    testSha256: sha256,
    /** Of the teacher's weights as they were loaded; a teacher's own training has none. */
    teacherSha256: sha256.optional(),
    /**
     * Of the list of images that were left out when the run was last started; a run of all images has none. It may change
     * while the run goes on: so one is continued that met a damaged image.
     */
    leftOutSha256: sha256.optional(),
    /** How the images were changed when they were packed: such a run is comparable with its like only. */
    reencoded: text.optional(),
    /** Of the plug-ins that the run uses; see config/usedPlugins.ts. A run that uses none has none. */
    pluginsSha256: sha256.optional(),
    engine: name,
    /** cpu or gpu. */
    device: name,
    /** See NUMERICS. */
    numerics: place,
    /**
     * The set of kernels that compute (runtime/ownOps.ts); none on a GPU, in XLA's programs, and in runs of versions that did
     * not write it down, which count as the same.
     */
    kernels: name.optional(),
    /** The options that touch numbers, resolved, the seed among them. */
    options: z.record(name, setting),
  },
  "must be an identity",
);

/** Recorded identity of a run's inputs. */
export type Identity = z.infer<typeof identitySchema>;

/** The version of the numbers: to be raised whenever equal inputs are made to give other bits on purpose. */
export const NUMERICS = 7;

/** Engines whose weights are the same bit for bit stand under one name: a run may change between them. */
const SAME_BITS: Readonly<Record<string, string>> = { eager: "graph" };

/** The numerics of an engine: "graph" for eager, too. */
const arithmeticOf = (engine: string): string => SAME_BITS[engine] ?? engine;

type Value = string | number | undefined;
type Part = readonly [key: string, what: string, value: (identity: Partial<Identity>) => Value];

/**
 * The parts of an identity besides options, which stay for as long as a run lives: for columns of reports, for sentences,
 * and what counts of each.
 */
const PARTS: readonly Part[] = [
  ["train_data", "the training data", ({ trainSha256 }) => trainSha256],
  ["test_data", "the test data", ({ testSha256 }) => testSha256],
  ["teacher_weights", "the teacher's weights", ({ teacherSha256 }) => teacherSha256],
  ["engine", "the engine", ({ engine }) => engine && arithmeticOf(engine)],
  ["device", "the device type", ({ device }) => device],
  ["numerics", "the numerics version", ({ numerics }) => numerics],
];

const LEFT_OUT: Part = ["left_out", "the skip list", (of) => of.leftOutSha256];

/** Settings that the data checksums already cover, for reports. */
const REENCODED: Part = ["reencoded", "the images' re-encoding", ({ reencoded }) => reencoded];

const PLUGINS: Part = ["plugins", "the plug-in", (of) => of.pluginsSha256];

const KERNELS: Part = ["kernels", "the kernel set", ({ kernels }) => kernels];

const SHOWN_DIGITS = 8;

/** A checksum in a few digits, any other value as it is. */
const short = (value: Value): Value =>
  typeof value === "string" && value.length === 64 ? value.slice(0, SHOWN_DIGITS) : value;

/** All parts, for reports. */
const TOLD: readonly Part[] = [...PARTS, KERNELS, LEFT_OUT, REENCODED, PLUGINS];

/** The parts of an identity besides its options, as a report shows and compares them. */
export const identitySettings = (identity: Identity): Readonly<Record<string, string | number>> =>
  Object.fromEntries(
    TOLD.flatMap(([key, , value]) => {
      const own = short(value(identity));
      return own === undefined ? [] : [[key, own] as const];
    }),
  );

/** The names under which reports show the parts of an identity, in order. */
export const IDENTITY_SETTINGS: readonly string[] = TOLD.map(([key]) => key);

/**
 * Of all that stays of an identity: equal for two that are the same run. Runs without plug-ins, or of which nobody wrote
 * down the kernels, have the one that they had before.
 */
export function identitySha256(identity: Identity): string {
  const parts = PARTS.map(([, , value]) => value(identity) ?? null);
  const { pluginsSha256, kernels } = identity;
  const options = Object.entries(identity.options).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(
      JSON.stringify([
        parts,
        options,
        ...(pluginsSha256 === undefined ? [] : [pluginsSha256]),
        ...(kernels === undefined ? [] : [{ kernels }]),
      ]),
    )
    .digest("hex");
}

/**
 * Whether a checksum is that of an identity, or was when nobody wrote down the kernels: what such a run has kept is gone on
 * with.
 */
export function isOfIdentity(sha256: string, identity: Identity): boolean {
  const { kernels: _, ...earlier } = identity;
  return [identity, earlier].some((each) => sha256 === identitySha256(each));
}

/** A run that was asked for: parts that only its start will tell may be left out. */
export type PlannedIdentity = Partial<Omit<Identity, "options">> & Pick<Identity, "options">;

const NOTHING: ReadonlySet<string> = new Set();

const changeText = ([what, before, after]: readonly [string, Value, Value]): string =>
  `${what}: ${short(before) ?? "none"} then, ${short(after) ?? "none"} now`;

/**
 * In what a run differs from one that was asked for, a clause for each: "the teacher's weights: 1f0c2a3b then, 9d8e7f6a
 * now", "--batch_size was 64 and is now 128".
 * @param undecided options of which only the start will tell; like missing parts, they count as the same
 */
export function identityDifferences(
  then: Identity,
  now: PlannedIdentity,
  undecided: ReadonlySet<string> = NOTHING,
): string[] {
  const told = then.kernels === undefined ? PARTS : [...PARTS, KERNELS];
  const parts = told
    .map(([, what, value]) => [what, value(then), value(now)] as const)
    .filter(([, before, after]) => after !== undefined && before !== after)
    .map(changeText);
  const text = (value: unknown) => JSON.stringify(value) ?? "not set";
  const options = [...new Set([...Object.keys(then.options), ...Object.keys(now.options)])]
    .filter((key) => !undecided.has(key))
    .filter((key) => text(then.options[key]) !== text(now.options[key]))
    .map((key) => `--${key} was ${text(then.options[key])} and is now ${text(now.options[key])}`);
  return [...parts, ...differenceIn(PLUGINS, then, now), ...options];
}

/**
 * The same for the images that were left out, as far as it counts for a run that is complete: what it has learned will not
 * be learned again without them.
 */
export const leftOutDifference = (then: Identity, now: PlannedIdentity): string[] => differenceIn(LEFT_OUT, then, now);

/** The same for one part, of which nothing is also a value. */
function differenceIn([, what, value]: Part, then: Identity, now: PlannedIdentity): string[] {
  const [before, after] = [value(then), value(now)];
  return before === after ? [] : [changeText([what, before, after])];
}

/** Resolved settings of a run. */
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
  .refine((config) => Object.keys(config).length <= MOST_KEYS, `must have at most ${MOST_KEYS} keys`);

/** A run's config.json. Those of earlier versions have no identity. */
export type RunConfig = z.infer<typeof schema>;

const KIND: StateFile<RunConfig> = { schema, maxBytes: 2 ** 18 };

/** The config.json of a run's folder. */
export const readConfig = (runDir: string): Found<RunConfig> => readStateFile(join(runDir, CONFIG_FILE), KIND);
