import { nodeOf } from "../../graph/graph.js";
import type { RecordedStep } from "../../record/recordedStep.js";
import { around, type Candidate, type Choice, choiceIn } from "./candidates.js";

/** Bytes that are read or written less of each number that is in bfloat16. */
const SAVED = 2;
/**
 * What a cast costs of each number, and besides, in the same unit: the time in which so many bytes less are read or written.
 * Measured with models that have both, convolutions and what has to be cast for (vgg8, MobileNet, ShuffleV2): a cast reads
 * and writes six bytes, but has its own loop besides, and what is saved is often in a cache.
 */
const CAST = 20;
const OP = 200_000;

/** Bytes that are read or written less where a candidate is chosen, casts left aside. */
function savedBy({ inputs, outputs, reads }: Candidate, { images }: Choice): number {
  const sizes = (refs: readonly string[]) =>
    refs.reduce((sum, ref) => sum + (images.get(ref)?.size ?? 0), 0);
  return SAVED * (reads * sizes(inputs) + sizes(outputs));
}

/** What casts of an image cost, where those candidates are chosen: one to bfloat16, or one back, or none. */
function castsOf(ref: string, { candidates, images }: Choice, chosen: ReadonlySet<string>): number {
  const image = images.get(ref);
  if (image === undefined) return 0;
  const maker = nodeOf(ref);
  const isNarrow = chosen.has(maker) && (candidates.get(maker)?.outputs.includes(ref) ?? false);
  const narrow = image.takers.some((name) => chosen.has(name));
  const wide = image.leaves || image.takers.some((name) => !chosen.has(name));
  return (isNarrow ? wide : narrow) ? CAST * image.size + OP : 0;
}

const castsAround = (candidate: Candidate, choice: Choice, chosen: ReadonlySet<string>): number =>
  around(candidate).reduce((sum, ref) => sum + castsOf(ref, choice, chosen), 0);

/** Leaves out one candidate after the other, always the one without which most is gained, as long as anything is. */
function withoutLosses(choice: Choice): Set<string> {
  const chosen = new Set(choice.candidates.keys());
  const gainWithout = (name: string): number => {
    const candidate = choice.candidates.get(name) as Candidate;
    const before = castsAround(candidate, choice, chosen);
    chosen.delete(name);
    const after = castsAround(candidate, choice, chosen);
    chosen.add(name);
    return before - after - savedBy(candidate, choice);
  };
  for (;;) {
    let best = 0;
    let worst: string | undefined;
    for (const name of [...chosen]) {
      const gain = gainWithout(name);
      if (gain <= best) continue;
      best = gain;
      worst = name;
    }
    if (worst === undefined) return chosen;
    chosen.delete(worst);
  }
}

/** Chosen candidates that hang together by images between them. */
function islandsOf({ candidates, images }: Choice, chosen: ReadonlySet<string>): Set<string>[] {
  const left = new Set(chosen);
  const islands: Set<string>[] = [];
  for (const first of chosen) {
    if (!left.has(first)) continue;
    const island = new Set<string>();
    const pending = [first];
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (!left.delete(name)) continue;
      island.add(name);
      const { inputs, outputs } = candidates.get(name) as Candidate;
      pending.push(
        ...inputs.map(nodeOf),
        ...outputs.flatMap((ref) => images.get(ref)?.takers ?? []),
      );
    }
    islands.push(island);
  }
  return islands;
}

/** What a set of candidates saves, casts at its borders paid. */
function gainOf(island: ReadonlySet<string>, choice: Choice): number {
  const members = [...island].map((name) => choice.candidates.get(name) as Candidate);
  const saved = members.reduce((sum, each) => sum + savedBy(each, choice), 0);
  const refs = new Set(members.flatMap(around));
  return [...refs].reduce((sum, ref) => sum - castsOf(ref, choice, island), saved);
}

/**
 * The nodes whose images are to be in bfloat16, so that more memory traffic is saved by it than casts cost between them and
 * nodes whose images stay in float32. Begins with all that may, and leaves out what loses: single ones, then what hangs
 * together.
 * @returns the types of each that are to be bfloat16, by its name
 */
export function narrowNodes(step: RecordedStep): Map<string, readonly string[]> {
  const choice = choiceIn(step);
  const islands = islandsOf(choice, withoutLosses(choice));
  const names = islands.filter((each) => gainOf(each, choice) > 0).flatMap((each) => [...each]);
  return new Map(names.map((name) => [name, choice.candidates.get(name)?.types ?? []]));
}
