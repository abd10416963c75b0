import assert from "node:assert/strict";
import { test } from "node:test";
import { type Projector, project } from "#pefd/analysis/analyze.js";
import { measure } from "#pefd/analysis/measures.js";
import type { Matrix } from "#pefd/analysis/outputs.js";
import { createRandom } from "#pefd/common/random.js";
import { missingPython, runPython } from "../helpers/python.js";
import { matrixOf } from "./matrix.js";

/** The definitions once more, as matrix expressions. */
const SCRIPT = `
import json, sys
import numpy as np
case = json.loads(sys.argv[1])
s, t, w, b = (np.array(case[k], dtype=np.float64) for k in ("student", "teacher", "weights", "biases"))
labels, ps, pt = (np.array(case[k]) for k in ("labels", "predicted_s", "predicted_t"))
p = np.maximum(np.einsum("nd,kod->kno", s, w) + b[:, None, :], 0).mean(0)
unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
def between(x):
    m = unit(np.stack([x[labels == c].mean(0) for c in np.unique(labels)]))
    return (m @ m.T)[np.triu_indices(len(m), 1)].mean()
def gram(x):
    n = len(x)
    h = np.eye(n) - np.full((n, n), 1 / n)
    return h @ (x @ x.T) @ h
def cka(x, y):
    k, l = gram(x), gram(y)
    return (k * l).sum() / np.sqrt((k * k).sum() * (l * l).sum())
percent = lambda x: 100 * x.mean()
length = lambda x: np.linalg.norm(x, axis=1).mean()
print(json.dumps({
    "mda_projected": (unit(p) * unit(t)).sum(1).mean(),
    "between_class_student": between(s), "between_class_teacher": between(t),
    "cka": cka(s, t), "norm_student": length(s), "norm_teacher": length(t),
    "zeros_student": percent(s == 0), "zeros_teacher": percent(t == 0), "zeros_projected": percent(p == 0),
    "agreement": percent(ps == pt), "top1_student": percent(ps == labels), "top1_teacher": percent(pt == labels),
}))
`;

const random = createRandom(4, "analysis test");
const rectified = (rows: number, columns: number, shift: number) =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => Math.max(0, random.normal() + shift)));
const normals = (rows: number, columns: number) =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.normal()));
const classes = (count: number) => Array.from({ length: count }, () => random.integer(3));

test("every measure equals numpy's, written another way", { skip: missingPython("numpy") }, () => {
  const [n, inputs, outputs] = [40, 5, 7];
  const student = rectified(n, inputs, 0.5);
  const teacher = rectified(n, outputs, 0.5);
  const weights = [normals(outputs, inputs), normals(outputs, inputs)];
  const biases = normals(2, outputs);
  const [labels, predictedS, predictedT] = [classes(n), classes(n), classes(n)];
  const projectors = weights.map(
    (weight, i): Projector => ({
      weight: matrixOf(weight),
      bias: Float64Array.from(biases[i] ?? []),
    }),
  );
  const outputsOf = (features: Matrix, predicted: number[]) => ({
    features,
    predictions: Int32Array.from(predicted),
  });
  const measured = measure({
    student: outputsOf(matrixOf(student), predictedS),
    teacher: outputsOf(matrixOf(teacher), predictedT),
    projected: project(matrixOf(student), projectors),
    labels,
  });
  const given = { student, teacher, weights, biases, labels };
  const predicted = { predicted_s: predictedS, predicted_t: predictedT };
  const expected = JSON.parse(runPython(SCRIPT, [JSON.stringify({ ...given, ...predicted })]));
  assert.equal(measured.mda, null, "the sizes differ");
  assert.deepEqual(Object.keys(measured).sort(), [...Object.keys(expected), "mda"].sort());
  for (const [key, value] of Object.entries<number>(expected)) {
    const found = measured[key] as number;
    assert.ok(Math.abs(found - value) < 1e-10 * Math.max(1, Math.abs(value)), `${key}: ${found}`);
  }
});
