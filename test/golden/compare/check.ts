import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { z } from "zod";
import { inputError } from "#pefd/common/errors.js";
import { counted } from "#pefd/common/text.js";
import type { EngineName } from "#pefd/compile/types.js";
import { type Check, ratioOf, worst } from "./comparison.js";
import { checkImages } from "./images/check.js";
import { imagesSchema } from "./images/schema.js";
import { checkLosses } from "./lossesCheck.js";
import { checkMethod } from "./method/check.js";
import { methodSchema } from "./method/schema.js";
import { checkModel } from "./modelCheck.js";
import { checkGroups, groupsSchema } from "./recipes/groups.js";
import { checkCriteria, checkMixing, criteriaSchema, mixingSchema } from "./recipes/mixing.js";
import { checkOptimizers, optimizersSchema } from "./recipes/optimizers.js";
import { checkPositions, positionsSchema } from "./recipes/positions.js";
import { checkSchedules, schedulesSchema } from "./recipes/schedules.js";
import { accumulationSchema, checkAccumulation, checkClipping, clippingSchema } from "./recipes/steps.js";
import { checkSchedule } from "./scheduleCheck.js";
import { lossesSchema, modelSchema, scheduleSchema, timmModelSchema, trajectorySchema } from "./schema.js";
import { checkTimmModel } from "./timmCheck.js";
import { checkTrajectory } from "./trajectory/check.js";

/** The comparison of one file. */
export interface GoldenResult {
  /** The file's name without its extension. */
  readonly name: string;
  readonly ok: boolean;
  /** How many comparisons were made, and those of them that are out of bounds. */
  readonly checks: number;
  readonly failures: readonly Check[];
  /** The number that is furthest off for its bound. */
  readonly worst: Check;
  /** How often a trajectory was run again, with images off by one rounding, until it was within its bounds; 0 mostly. */
  readonly reruns: number;
  /** Numbers whose bound is what roundings do to them. */
  readonly ofRounding: number;
  /** Cases that pefd has no counterpart of, which nothing was compared with. */
  readonly absent: readonly string[];
}

/** A kind of golden file: how to recognise it, what it holds, what to compare. */
interface Kind {
  /** Keys that only files of this kind have; none for the last kind. */
  readonly markers: readonly string[];
  readonly check: (document: unknown, path: string, engine: EngineName) => readonly Check[];
}

const kind = <S extends z.ZodType>(
  marker: string | readonly string[],
  schema: S,
  check: (golden: z.infer<S>, engine: EngineName, path: string) => readonly Check[],
): Kind => ({
  markers: [marker].flat(),
  check: (document, path, engine) => {
    const parsed = schema.safeParse(document);
    if (parsed.success) return check(parsed.data, engine, path);
    const issue = parsed.error.issues[0];
    const where = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
    throw foreign(path, `${issue?.message ?? "unreadable"}${where}`);
  },
});

/** The last one has free keys, so it takes what no other marks. */
const KINDS: readonly Kind[] = [
  kind("optimizers", optimizersSchema, checkOptimizers),
  kind("timm", schedulesSchema, (golden) => checkSchedules(golden)),
  kind("collate", mixingSchema, checkMixing),
  kind(["losses", "versions"], criteriaSchema, checkCriteria),
  kind("gradients", clippingSchema, checkClipping),
  kind("models", groupsSchema, (golden) => checkGroups(golden)),
  kind("model", accumulationSchema, checkAccumulation),
  kind("spreadMaxAbs", positionsSchema, (golden) => checkPositions(golden)),
  kind("upstream", methodSchema, checkMethod),
  kind("timmName", timmModelSchema, checkTimmModel),
  kind("stateDict", modelSchema, checkModel),
  kind("losses", lossesSchema, checkLosses),
  kind("random_resized_crop", imagesSchema, (golden, _engine, path) => checkImages(golden, path)),
  kind("perStep", trajectorySchema, (golden, engine) => checkTrajectory(golden, engine)),
  kind([], scheduleSchema, checkSchedule),
];

const foreign = (path: string, why: string) =>
  inputError(
    `${path} is not a golden file: ${why}.`,
    "Expected: models/NAME.json, methods/GROUP/NAME.json, losses.json, trajectory_METHOD.json, schedule.json or images.json.",
  );

function readDocument(path: string): object {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw inputError(`${path} cannot be read: ${(error as Error).message}.`);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw foreign(path, "it is no JSON");
  }
  if (typeof document === "object" && document !== null) return document;
  throw foreign(path, "it holds no object");
}

/**
 * Compares what a golden file holds with what this code computes. TensorFlow must be loaded.
 * @throws inputError for a file that cannot be read or is of no known kind, and for a model not in the registry
 */
export function checkGoldenFile(path: string, engine: EngineName = "eager"): GoldenResult {
  const document = readDocument(path);
  const { check } = KINDS.find(({ markers }) => markers.every((key) => key in document)) as Kind;
  const all = check(document, path, engine);
  const checks = all.filter((item) => !item.absent);
  const found = worst(checks);
  if (found === undefined) throw foreign(path, "it holds nothing to compare");
  const failures = checks.filter((item) => ratioOf(item) > 1);
  const reruns = Math.max(...checks.map((item) => item.rerun ?? 0));
  return {
    name: basename(path, ".json"),
    ok: failures.length === 0,
    checks: checks.length,
    failures,
    worst: found,
    reruns,
    ofRounding: checks.filter((item) => item.ofRounding).length,
    absent: all.filter((item) => item.absent).map(({ what }) => what),
  };
}

/** An error as a share of its bound. */
export const shareOf = (check: Check): number => ratioOf(check);

/** How far a number is off, and how far it may be. */
function formatCheck(check: Check): string {
  if (check.mismatch !== undefined) return `${check.what} ${check.mismatch}`;
  const [error, bound] = [check.error, check.bound].map((value) => value.toExponential(2));
  return `${ratioOf(check).toPrecision(3)} of its bound: ${check.what} is off by ${error}, allowed ${bound}`;
}

/** One line: the file, its largest error against its bound, and the verdict; then a line for each number out of bounds. */
export function formatGoldenResult(result: GoldenResult): string {
  const { name, ok, checks, failures, worst: check, reruns, ofRounding, absent } = result;
  const rerun = reruns > 0 ? ` after ${counted(reruns, "rerun")} with images off by rounding` : "";
  const measured =
    ofRounding > 0 ? `; ${counted(ofRounding, "bound")} as wide as ten roundings of the images reach` : "";
  const verdict = ok ? `ok${rerun}${measured}` : `FAILED, ${failures.length} of ${checks} numbers`;
  const without = absent.length > 0 ? `; not in pefd: ${absent.join(", ")}` : "";
  const rest = failures.length > 1 ? failures.map((each) => `\n  ${formatCheck(each)}`) : [];
  return `${name.padEnd(18)} ${formatCheck(check)}  ${verdict}${without}${rest.join("")}`;
}
