import { permute4 } from "../common/shapes.js";
import type { EngineName } from "../compile/types.js";
import type { Moment } from "../distill/method.js";
import { openMethod } from "../distill/open.js";
import { procedureNamed } from "../distill/registry.js";
import { gradientsOf } from "../learn/gradients.js";
import type { FeatureMap, ModelOutput } from "../nn/model.js";
import { type Scalar, type Tensor, tf, type Variable } from "../runtime/tf.js";
import { type Check, checkNumber, mismatch, withinRelative, withinScale } from "./comparison.js";
import { execute, result } from "./execute.js";
import { formulaFill, formulaValues, signedValue } from "./formula.js";
import { channelsFirst } from "./inputs.js";
import { type MethodGolden, optionsOf } from "./methodSchema.js";
import { checkSummary } from "./summary.js";

/** Keys of the formula, as the golden files' README has them. */
const KEYS = { studentLogits: 9101, teacherLogits: 9102, studentMap: 9210, teacherMap: 9230 };

/** Labels of every stand-in batch; a batch of N takes the first N. */
const LABELS = [3, 17, 42, 99, 0, 50, 17, 3];
const CLASSES = 100;

/** Bounds of the golden files' README: relative for a value and a norm, of the root mean square for an element. */
const FLOORS = { value: 1e-5, norm: 1e-4, element: 1e-2 };

type Entry = MethodGolden["losses"][string];
type Shapes = readonly (readonly number[])[];

/** Compares a method's term and its gradients with what the authors' code has, for every entry of the file. */
export function checkMethod(golden: MethodGolden, engine: EngineName): Check[] {
  return Object.entries(golden.losses).flatMap(([key, entry]) =>
    checkEntry(golden.method, key, entry, engine),
  );
}

/** Stem, maps, pooled vector and logits that follow from the formula, channels last. */
function standIn(shapes: Shapes, batch: number, mapKey: number, logitsKey: number) {
  const positive = shapes.map((shape, j) => {
    const full = [batch, ...shape];
    const values = formulaValues(full, (i) => Math.max(0, 2 * signedValue(mapKey + j, i)));
    if (full.length !== 4) return { shape: full, values };
    const [n, c, h, w] = full as [number, number, number, number];
    return { shape: [n, h, w, c], values: permute4(values, full, [0, 2, 3, 1]) };
  });
  const shape = [batch, CLASSES];
  const logits = { shape, values: formulaValues(shape, (i) => 4 * signedValue(logitsKey, i)) };
  return [...positive, logits];
}

const plain = (out: Tensor | undefined): FeatureMap => ({ out, beforeRelu: out }) as FeatureMap;

/** A model's output of stem, maps, pooled vector and logits; of logits alone where the file has no features. */
const outputOf = (tensors: readonly Tensor[]): ModelOutput =>
  ({
    stem: plain(tensors[0]),
    maps: tensors.slice(1, -2).map(plain),
    pooled: tensors.at(-2),
    logits: tensors.at(-1),
  }) as unknown as ModelOutput;

const anatomyOf = (shapes: Shapes) => ({
  maps: shapes.slice(1, -1).map(([c, h, w]) => [h, w, c] as number[]),
  pooled: shapes.at(-1)?.[0] ?? 0,
  state: [],
});

function checkEntry(name: string, key: string, entry: Entry, engine: EngineName): Check[] {
  const { student = [], teacher = [], batch = 4 } = entry.shapes ?? {};
  const labels = LABELS.slice(0, batch);
  const pair = { student: anatomyOf(student), teacher: anatomyOf(teacher) };
  const { method: row, defaults, set } = procedureNamed(name);
  const method = openMethod(
    row,
    { ...pair, numClasses: CLASSES, labels },
    { ...defaults, ...set, ...optionsOf(row, entry) },
    formulaFill(6000),
  );
  const ours = standIn(student, batch, KEYS.studentMap, KEYS.studentLogits);
  const theirs = standIn(teacher, batch, KEYS.teacherMap, KEYS.teacherLogits);
  const named = ours.map(({ shape, values }, j): [string, Variable] => [
    j === ours.length - 1 ? "logits" : `feat${j}`,
    tf.tidy(() => tf.variable(tf.tensor(values, shape))),
  ]);
  const own = method.state.flatMap(({ name, variable }): [string, Variable][] =>
    variable === undefined ? [] : [[name, variable]],
  );
  const all = [...named, ...own];
  try {
    const results = execute(engine, {
      variables: all.map(([, variable]) => variable),
      feeds: Object.fromEntries(
        theirs.map((feed, j) => [`teacher${j}`, { ...feed, dtype: "float32" as const }]),
      ),
      describe(feeds) {
        const guide = theirs.map((_, j) => feeds[`teacher${j}`] as Tensor);
        const at = {
          student: outputOf(named.map(([, variable]) => variable)),
          teacher: outputOf(guide),
          labels: tf.tensor1d(labels, "int32"),
          oneHot: tf.cast(tf.oneHot(tf.tensor1d(labels, "int32"), CLASSES), "float32"),
          epoch: tf.scalar(1),
        } as unknown as Moment;
        const { loss, gradients } = gradientsOf(
          () => {
            const terms = Object.values(method.terms(at, { training: true, updates: [] }));
            const sum = (terms as Scalar[]).reduce((total, term) => tf.add(total, term));
            return { loss: sum, kept: undefined, tensors: [] };
          },
          all.map(([, variable]) => variable),
        );
        const found = all.flatMap(([name], i) => {
          const gradient = gradients[i];
          return gradient === undefined ? [] : [[name, gradient] as const];
        });
        return { value: loss, ...Object.fromEntries(found) };
      },
    });
    return compare(key, entry, results);
  } finally {
    for (const [, variable] of all) variable.dispose();
  }
}

function compare(key: string, entry: Entry, results: ReturnType<typeof execute>): Check[] {
  const { value, grads, spread } = entry;
  const expected = Object.entries(grads).map(([name, summary]) => {
    return [name === "logitS" ? "logits" : name, summary] as const;
  });
  const listed = new Set(["value", ...expected.map(([name]) => name)]);
  const surplus = Object.keys(results).filter((name) => !listed.has(name));
  const bound = withinRelative(spread.valueMaxRel, FLOORS.value);
  return [
    checkNumber(`${key} value`, result(results, "value").values[0] as number, value, bound),
    ...surplus.map((name) => mismatch(`${key} gradient of ${name}`, "should not be there")),
    ...expected.flatMap(([name, summary]) => {
      const what = `${key} gradient of ${name}`;
      const actual = results[name];
      if (actual === undefined) return [mismatch(what, "is missing")];
      const scale = summary.l2 / Math.sqrt(actual.values.length);
      return checkSummary(what, channelsFirst(actual), summary, {
        element: withinScale(spread.gradFirst8MaxAbs ?? 0, FLOORS.element, scale),
        norm: withinRelative(spread.gradL2MaxRel, FLOORS.norm),
      });
    }),
  ];
}
