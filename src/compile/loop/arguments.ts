import { DT } from "../../runtime/native.js";
import { bitcastNode, type GraphNode } from "../graph/graph.js";
import { FEED_TYPES } from "../record/trace.js";
import type { Entry, FeedSpec } from "../types.js";
import type { AheadResult, LoopParts, LoopValue } from "./parts.js";

/** What a loop is made of. */
export interface LoopSource {
  /** Begins the names of its functions and nodes; a word. */
  readonly prefix: string;
  readonly entry: Entry;
  readonly parts: LoopParts;
  /** Placeholder of each feed in the step. */
  readonly feeds: Readonly<Record<string, string>>;
  /** Rounds of every call; fed to each call where undefined. */
  readonly rounds?: number;
}

/** A tensor that goes around a loop, under its name as an argument of the loop's functions. */
export interface Argument {
  readonly name: string;
  readonly type: number;
}

/** Which round it is. */
export const INDEX: Argument = { name: "index", type: DT.int32 };
/** How many rounds there are, where that is no part of the program. */
export const COUNT: Argument = { name: "count", type: DT.int32 };

/**
 * All feeds travel as int32, floats by their bits. TensorFlow.js lays floats on a GPU and brings them back before they
 * are fed; integers stay on the host until the call takes them.
 */
export const TRAVEL = DT.int32;

/** The argument of a feed. */
export const feedArgument = (name: string): string => `feed_${name}`;

/** Those of all feeds. */
export const feedArguments = ({ entry }: LoopSource): Argument[] =>
  Object.keys({ ...entry.perStep, ...entry.shared }).map((name) => ({
    name: feedArgument(name),
    type: TRAVEL,
  }));

/** What arrived by its bits, as the type that it has: no node where it has that type already. */
export function asFed(name: string, ref: string, { perStep, shared }: Entry): GraphNode[] {
  const type = FEED_TYPES[({ ...perStep, ...shared }[name] as FeedSpec).dtype];
  return type === TRAVEL ? [] : [bitcastNode(`bits_${name}`, ref, TRAVEL, type)];
}

/** The count as an argument, where it is one. */
export const countArguments = ({ rounds }: LoopSource): Argument[] =>
  rounds === undefined ? [COUNT] : [];

/** Something that goes around, and its argument. */
type With<What> = readonly (readonly [What, Argument])[];

/** Values with their arguments. */
export const valueArguments = ({ values }: LoopParts): With<LoopValue> =>
  values.map((value, i) => [value, { name: `value_${i}`, type: value.type }]);

/** What was computed ahead, as arguments of the rounds that take it. */
export const resultArguments = ({ ahead }: LoopParts): With<AheadResult> =>
  (ahead?.results ?? []).map((result, i) => [result, { name: `ahead_${i}`, type: DT.float }]);
