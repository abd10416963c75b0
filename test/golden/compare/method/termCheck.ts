import type { EngineName } from "#pefd/compile/types.js";
import { toPyTorchLayout } from "#pefd/nn/builder.js";
import type { StateEntry } from "#pefd/nn/model.js";
import { type Check, checkNumber, mismatch } from "../comparison.js";
import { execute, result } from "../execute.js";
import { channelsFirst } from "../inputs.js";
import { checkSummary, type HostTensor, norm } from "../summary.js";
import { gradientBounds, valueBound, zeroBound } from "./bounds.js";
import { fromRegions } from "./classMaps.js";
import { checkKept } from "./keptCheck.js";
import { labelsOf } from "./keys.js";
import { fromMaps } from "./mapEntry.js";
import { checkOwnState } from "./ownState.js";
import type { MethodGolden, TermGolden } from "./schema.js";
import { standIn, standInOfMap } from "./standIn.js";
import { afterPhase, createScene, describeTerm, KEPT, type TermScene } from "./termScene.js";
import { fromMapsAndLogits, fromVectors } from "./vectorEntry.js";

/** The epoch of functions that know none: every warm-up lies behind it. */
const LATE = 1000;

/** Entries of the first phase of methods that have one are named so, and those of a part after it. */
const FIRST_PHASE = /^init_/;
const AFTER_PHASE = /^phase2_/;

/**
 * Compares one entry of `losses`: the method's own state, its term, the term's gradients, and what the method keeps.
 * @throws inputError where the registry does not have the method
 */
export function checkTerm(golden: MethodGolden, key: string, entry: TermGolden, engine: EngineName): Check[] {
  const ofMaps = fromMaps(entry);
  const ofRegions = fromRegions(entry, labelsOf);
  const ofLoss = fromMapsAndLogits(entry);
  const between = ofMaps ?? fromVectors(entry) ?? ofRegions?.entry ?? ofLoss?.entry ?? entry;
  const made = ofMaps === undefined ? standIn : standInOfMap;
  const created = createScene(golden, between, made, ofRegions?.put ?? ofLoss?.put);
  const opened = ofRegions === undefined ? created : { ...created, epoch: LATE };
  const scene = AFTER_PHASE.test(key) ? afterPhase(opened) : opened;
  try {
    const results = execute(engine, {
      variables: scene.variables,
      feeds: Object.fromEntries(
        Object.entries(scene.teacher.tensors).map(([name, tensor]) => [name, { ...tensor, dtype: "float32" as const }]),
      ),
      describe: (teacher) => describeTerm(scene, FIRST_PHASE.test(key), teacher),
    });
    return [
      ...checkOwnState(`${key} own state`, between.ownState, scene.method.state),
      ...compare(key, between, scene, results),
      ...checkKeptOf(key, entry, scene, results),
    ];
  } finally {
    for (const variable of scene.variables) variable.dispose();
  }
}

/** Names of arguments of the authors' functions that are outputs of a network. */
const ARGUMENTS: Readonly<Record<string, string>> = { logitS: "logits" };

function compare(
  key: string,
  entry: TermGolden,
  scene: TermScene,
  results: Readonly<Record<string, HostTensor>>,
): Check[] {
  const expected = Object.entries(entry.grads).map(([name, summary]) => [ARGUMENTS[name] ?? name, summary] as const);
  const listed = new Set(["value", ...expected.map(([name]) => name), ...entry.gradZero]);
  // A term with a weight of 0 has zeros for a gradient, or none.
  const isSurplus = (name: string) => norm((results[name] as HostTensor).values) !== 0;
  const surplus = Object.keys(results).filter((name) => !listed.has(name) && !name.startsWith(KEPT) && isSurplus(name));
  const value = result({ ...results }, "value").values[0] as number;
  const what = (name: string) => `${key} gradient of ${name}`;
  return [
    checkNumber(`${key} value`, value, entry.value, valueBound(entry)),
    ...surplus.map((name) => mismatch(what(name), "should not be there")),
    ...entry.gradZero.flatMap((name) => {
      const gradient = results[name];
      if (gradient === undefined) return [];
      return [checkNumber(`${what(name)} l2`, norm(gradient.values), 0, zeroBound(entry))];
    }),
    ...expected.flatMap(([name, summary]) => {
      const gradient = results[name];
      if (gradient === undefined) return [mismatch(what(name), "is missing")];
      const bounds = gradientBounds(entry, summary.l2, gradient.values.length);
      return checkSummary(what(name), inPyTorch(gradient, scene.own.get(name)), summary, bounds);
    }),
  ];
}

/** Means of the epoch before are there only after the first phase. */
function checkKeptOf(
  key: string,
  { context1, ...entry }: TermGolden,
  { labels }: TermScene,
  results: Readonly<Record<string, HostTensor>>,
): Check[] {
  const kept = Object.entries(results).flatMap(([name, value]) =>
    name.startsWith(KEPT) ? [[name.slice(KEPT.length), value] as const] : [],
  );
  const golden = { ...entry, ...(AFTER_PHASE.test(key) && { context1 }) };
  return checkKept(`${key} `, golden, new Map(kept), labels.length, entry.spread.gradFirst8MaxAbs);
}

/** A gradient in PyTorch's layout. @param entry of what it is a gradient of, where that is state */
const inPyTorch = (gradient: HostTensor, entry: StateEntry | undefined): HostTensor =>
  entry === undefined
    ? channelsFirst(gradient)
    : { shape: entry.shape, values: toPyTorchLayout(entry.role, gradient.values, entry.shape) };
