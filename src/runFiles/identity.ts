import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { count, type Found, name, place, readStateFile, type StateFile, setting, sha256, text } from "./stateFile.js";

/** Everything that a run's numbers depend on: runs of one identity are the same run. */
export const identitySchema = z.object(
  {
    /** Of whole files, whatever part a run uses. */
    trainSha256: sha256,
    testSha256: sha256,
    /** Of loaded weights; absent for a teacher's own training. */
    teacherSha256: sha256.optional(),
    /** Of the list of excluded images at the last start; may change when resumed, as after a damaged image. */
    leftOutSha256: sha256.optional(),
    /** Re-encoding of packed images: such runs compare only with their like. */
    reencoded: text.optional(),
    /** See config/record.ts; absent without plug-ins. */
    pluginsSha256: sha256.optional(),
    engine: name,
    /** cpu or gpu. */
    device: name,
    numerics: place,
    /** Set of kernels (runtime/ownOps.ts); absent on a GPU, with XLA, and in older runs, which count as the same. */
    kernels: name.optional(),
    /** Resolved options that touch numbers, the seed included. */
    options: z.record(name, setting),
  },
  "must be an identity",
);

export type Identity = z.infer<typeof identitySchema>;

/** Version of the numbers: raised when equal inputs give other bits on purpose. */
export const NUMERICS = 7;

/** Bit-identical engines, between which a run may change. */
const SAME_BITS: Readonly<Record<string, string>> = { eager: "graph" };

/** An engine's numerics: "graph" for eager, too. */
const arithmeticOf = (engine: string): string => SAME_BITS[engine] ?? engine;

type Value = string | number | undefined;
type Part = readonly [key: string, what: string, value: (identity: Partial<Identity>) => Value];

/** Parts besides options that stay for a run's life: report column, name in sentences, value. */
const PARTS: readonly Part[] = [
  ["train_data", "the training data", ({ trainSha256 }) => trainSha256],
  ["test_data", "the test data", ({ testSha256 }) => testSha256],
  ["teacher_weights", "the teacher's weights", ({ teacherSha256 }) => teacherSha256],
  ["engine", "the engine", ({ engine }) => engine && arithmeticOf(engine)],
  ["device", "the device type", ({ device }) => device],
  ["numerics", "the numerics version", ({ numerics }) => numerics],
];

const LEFT_OUT: Part = ["left_out", "the skip list", (of) => of.leftOutSha256];

/** For reports; data checksums already cover it. */
const REENCODED: Part = ["reencoded", "the images' re-encoding", ({ reencoded }) => reencoded];

const PLUGINS: Part = ["plugins", "the plug-in", (of) => of.pluginsSha256];

const KERNELS: Part = ["kernels", "the kernel set", ({ kernels }) => kernels];

const SHOWN_DIGITS = 8;

const short = (value: Value): Value =>
  typeof value === "string" && value.length === 64 ? value.slice(0, SHOWN_DIGITS) : value;

const TOLD: readonly Part[] = [...PARTS, KERNELS, LEFT_OUT, REENCODED, PLUGINS];

/** The parts besides options, as reports show and compare them. */
export const identitySettings = (identity: Identity): Readonly<Record<string, string | number>> =>
  Object.fromEntries(
    TOLD.flatMap(([key, , value]) => {
      const own = short(value(identity));
      return own === undefined ? [] : [[key, own] as const];
    }),
  );

/** Names of these parts in reports, in order. */
export const IDENTITY_SETTINGS: readonly string[] = TOLD.map(([key]) => key);

/** Over the lasting parts: equal for the same run; as in earlier versions without plug-ins or recorded kernels. */
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

/** Whether a checksum is an identity's, with or without kernels: older runs can be resumed. */
export function isOfIdentity(sha256: string, identity: Identity): boolean {
  const { kernels: _, ...earlier } = identity;
  return [identity, earlier].some((each) => sha256 === identitySha256(each));
}

/** A planned run, without parts known only at its start. */
export type PlannedIdentity = Partial<Omit<Identity, "options">> & Pick<Identity, "options">;

const NOTHING: ReadonlySet<string> = new Set();

const changeText = ([what, before, after]: readonly [string, Value, Value]): string =>
  `${what}: ${short(before) ?? "none"} then, ${short(after) ?? "none"} now`;

/**
 * Differences of a run from a planned one, as clauses: "--batch_size was 64 and is now 128".
 * @param undecided options known only at the start; like missing parts they count as equal
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

/** The difference in excluded images, for a complete run, which will not be trained again without them. */
export const leftOutDifference = (then: Identity, now: PlannedIdentity): string[] => differenceIn(LEFT_OUT, then, now);

/** One part's difference; absence is a value, too. */
function differenceIn([, what, value]: Part, then: Identity, now: PlannedIdentity): string[] {
  const [before, after] = [value(then), value(now)];
  return before === after ? [] : [changeText([what, before, after])];
}

export const CONFIG_FILE = "config.json";

const MOST_KEYS = 500;

const plugin = z.object({ path: text, sha256 }, "must be a plug-in's path and checksum");

const schema = z
  .object({
    kind: z.enum(["distill", "teacher"], "must be distill or teacher"),
    model: name.optional(),
    model_s: name.optional(),
    model_t: name.optional(),
    teacher: name.optional(),
    distill: name.optional(),
    epochs: place,
    trial: count.optional(),
    seed: count.optional(),
    versions: z.record(name, text).optional(),
    /** Host, time (ISO 8601) and command of the last start. */
    origin: z.record(name, text.max(2 ** 16)).optional(),
    /** Plug-ins with the run's method, models or data set. */
    plugins: z.array(plugin, "must be a list of plug-ins").max(100, "is too long").optional(),
    identity: identitySchema.optional(),
  })
  .catchall(setting)
  .refine((config) => Object.keys(config).length <= MOST_KEYS, `must have at most ${MOST_KEYS} keys`);

/** config.json; without identity in early versions. */
export type RunConfig = z.infer<typeof schema>;

const KIND: StateFile<RunConfig> = { schema, maxBytes: 2 ** 18 };

/** Reads a run's config.json. */
export const readConfig = (runDir: string): Found<RunConfig> => readStateFile(join(runDir, CONFIG_FILE), KIND);
