import { z } from "zod";
import { name, place, setting, sha256 } from "./values.js";

/** Everything that a run's numbers depend on: two runs of one identity and one seed are the same run. */
export const identitySchema = z.object(
  {
    /** Of the whole files, whatever part of them a run takes. */
    trainSha256: sha256,
    testSha256: sha256,
    /** Of the teacher's weights as they were loaded; a teacher's own training has none. */
    teacherSha256: sha256.optional(),
    engine: name,
    precision: name,
    device: name,
    /** See NUMERICS. */
    numerics: place,
    /** The options that touch numbers, resolved. */
    options: z.record(name, setting),
  },
  "must be an identity",
);

/** What is written down of a run's inputs, so that another run never passes for it. */
export type Identity = z.infer<typeof identitySchema>;

/** The version of the numbers: to be raised whenever equal inputs are made to give other bits on purpose. */
export const NUMERICS = 1;

/** Engines whose weights are the same bit for bit stand under one name: a run may change between them. */
const SAME_BITS: Readonly<Record<string, string>> = { eager: "graph" };

const arithmetic = (engine: string): string => SAME_BITS[engine] ?? engine;

const short = (hash: string | undefined): string =>
  hash === undefined ? "none" : `${hash.slice(0, 8)}...`;

type Part = readonly [what: string, value: (identity: Identity) => string | number | undefined];

const PARTS: readonly Part[] = [
  ["the training data", ({ trainSha256 }) => short(trainSha256)],
  ["the test data", ({ testSha256 }) => short(testSha256)],
  ["the teacher's weights", ({ teacherSha256 }) => short(teacherSha256)],
  ["the engine", ({ engine }) => arithmetic(engine)],
  ["the precision", ({ precision }) => precision],
  ["the kind of device", ({ device }) => device],
  ["the version of the numerics", ({ numerics }) => numerics],
];

const shown = (value: unknown): string => (value === undefined ? "not set" : JSON.stringify(value));

/**
 * In what two runs differ, a clause for each: "the teacher's weights: 1f0c2a3b... then, 9d8e7f6a... now",
 * "--batch_size: 64 then, 128 now".
 * @param then the run that is there
 * @param now the one that was asked for
 */
export function identityDifferences(then: Identity, now: Identity): string[] {
  const parts = PARTS.map(([what, value]) => [what, value(then), value(now)] as const);
  const names = [...new Set([...Object.keys(then.options), ...Object.keys(now.options)])];
  const options = names.map((key) => {
    return [`--${key}`, shown(then.options[key]), shown(now.options[key])] as const;
  });
  return [...parts, ...options]
    .filter(([, before, after]) => before !== after)
    .map(([what, before, after]) => `${what}: ${before} then, ${after} now`);
}
