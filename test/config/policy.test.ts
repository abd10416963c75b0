import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_SECTIONS, DISTILL_SECTIONS, TEACHER_SECTIONS } from "#pefd/config/options.js";
import { isKept, keptOf, numbersOf, partsExperiments, unreachedText } from "#pefd/config/policy.js";
import { rowsOf } from "#pefd/config/resolve.js";

test("every option of a run says what it touches", () => {
  for (const [name, row] of Object.entries(rowsOf([...ALL_SECTIONS, ...DISTILL_SECTIONS, ...TEACHER_SECTIONS]))) {
    assert.ok(row.touches, name);
  }
});

/** A resumed run may have another value of what is no part of its identity. */
const mayChange = (name: string): boolean => !Object.hasOwn(numbersOf({ [name]: 1 }), name);

test("what touches the numbers may not change on resume, and is another experiment", () => {
  for (const name of ["precision", "batch_size", "limit_test", "kd_T", "unheard_of"]) {
    assert.deepEqual([mayChange(name), partsExperiments(name)], [false, true], name);
  }
  for (const name of ["engine", "device", "deterministic", "data", "save_dir", "print_freq"]) {
    assert.deepEqual([mayChange(name), partsExperiments(name)], [true, false], name);
  }
  assert.deepEqual([mayChange("trial"), partsExperiments("trial")], [false, false]);
  assert.deepEqual([mayChange("epochs"), partsExperiments("epochs")], [true, true]);
  const kept = ["precision", "trial", "epochs", "data", "save_dir", "engine", "print_freq"];
  assert.deepEqual([...kept, "resume"].filter(isKept), kept);
});

test("a run's numbers are told by its options in any order, wherever its files lie", () => {
  const options = { trial: 1, batch_size: 64, limit_train: undefined, precision: "float32" };
  const same = { data: "/a", engine: "xla", resume: true, precision: "float32" };
  assert.equal(
    JSON.stringify(numbersOf({ ...same, batch_size: 64, trial: 1, epochs: 9 })),
    JSON.stringify(numbersOf(options)),
  );
  assert.notDeepEqual(numbersOf({ ...options, trial: 2 }), numbersOf(options));
  assert.deepEqual(keptOf({ force: true, engine: "xla", batch_size: 64 }), {
    engine: "xla",
    batch_size: 64,
  });
});

test("a switch that is off leaves a run the one that it was before there was such a switch", () => {
  assert.deepEqual(numbersOf({ distill: "kd", lskd: false }), numbersOf({ distill: "kd" }));
  assert.notDeepEqual(numbersOf({ distill: "kd", lskd: true }), numbersOf({ distill: "kd" }));
});

test("a run that ends before its warm-up or its decays is told so, with the options' names", () => {
  const dkd = { distill: "dkd", dkd_warmup: 20, lr_decay_epochs: [150, 180, 210], batch_size: 64 };
  assert.match(
    unreachedText({ ...dkd, epochs: 3 }) ?? "",
    /--epochs 3 .*--dkd_warmup 20 and --lr_decay_epochs 150,180,210/,
  );
  assert.match(unreachedText({ ...dkd, epochs: 160 }) ?? "", /before --lr_decay_epochs 150,180,210:/);
  assert.equal(unreachedText({ ...dkd, epochs: 240 }), undefined);
  assert.equal(unreachedText({ sched: "cosine", lr_decay_epochs: [150], epochs: 20 }), undefined);
  assert.match(unreachedText({ sched: "cosine", warmup_epochs: 30, epochs: 20 }) ?? "", /--warmup_epochs 30/);
});

test("every option of a method that counts epochs of a warm-up is one that a short run is told of", () => {
  for (const [name, row] of Object.entries(rowsOf(ALL_SECTIONS))) {
    if (/warmup(_epochs)?$|decay_epochs/.test(name)) assert.equal(row.inEpochs, true, name);
  }
});
