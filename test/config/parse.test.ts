import assert from "node:assert/strict";
import { test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { integer, paths, type Row } from "#pefd/common/optionRow.js";
import { ALL_SECTIONS, DISTILLATION, TRAINING } from "#pefd/config/options.js";
import { parseValue, rowsOf } from "#pefd/config/resolve.js";

const rows = rowsOf(ALL_SECTIONS);
const parse = (name: string, raw: unknown) => parseValue(`--${name}`, rows[name] as Row, raw);

const refusal = (name: string, raw: unknown): string => {
  try {
    parse(name, raw);
  } catch (error) {
    assert.ok(error instanceof PefdError && error.exitCode === 2);
    return error.message;
  }
  return assert.fail(`--${name} ${String(raw)} was taken`);
};

test("numbers are read as typed", () => {
  assert.equal(parse("epochs", "12"), 12);
  assert.equal(parse("learning_rate", "5e-2"), 0.05);
  assert.equal(parse("learning_rate", ".05"), 0.05);
  assert.equal(parse("num_proj", "0"), 0);
  assert.equal(parse("weight_decay", 0), 0);
  assert.deepEqual(parse("lr_decay_epochs", "150, 180,210"), [150, 180, 210]);
  assert.deepEqual(parse("lr_decay_epochs", [2, 4]), [2, 4]);
});

test("what is no decimal number is refused by name, with what was typed and what is expected", () => {
  for (const typed of ["abc", "", " ", "NaN", "Infinity", "-Infinity", "0x10", "1e999", "1,5", "1_0"]) {
    assert.match(refusal("epochs", typed), /^--epochs takes an integer/);
    assert.ok(refusal("kd_T", typed).includes(`"${typed}"`));
  }
  assert.match(refusal("epochs", "1.5"), /integer, at least 1 and at most 1000000; "1\.5" is not/);
  assert.match(refusal("lr_decay_epochs", "150,x"), /--lr_decay_epochs .* "x"/);
  assert.match(refusal("lr_decay_epochs", ""), /--lr_decay_epochs/);
});

test("numbers outside their range are refused", () => {
  for (const [name, typed] of [
    ["epochs", "0"],
    ["batch_size", "-3"],
    ["learning_rate", "0"],
    ["learning_rate", "-1"],
    ["momentum", "1"],
    ["kd_T", "0"],
    ["num_proj", "65"],
    ["limit_train", "0"],
    ["lr_decay_epochs", "5,0"],
    ["beta", "-1"],
  ] as const) {
    assert.match(refusal(name, typed), new RegExp(`^--${name} takes`));
  }
});

test("numbers that no training can compute with are refused before it starts", () => {
  for (const [name, typed] of [
    ["kd_T", "1e300"],
    ["kd_T", "1e-300"],
    ["gamma", "1e30"],
    ["beta", "1e308"],
  ] as const) {
    assert.match(refusal(name, typed), /is out of range: from/);
  }
  for (const [name, typed] of [
    ["learning_rate", "1e300"],
    ["weight_decay", "1e300"],
    ["lr_decay_rate", "1e300"],
    ["epochs", "1000000000000"],
    ["batch_size", "99999999"],
    ["trial", "999999999999"],
  ] as const) {
    assert.match(refusal(name, typed), /at most/);
  }
  assert.equal(parse("weight_decay", "0"), 0);
});

test("unknown models and methods come with the nearest name", () => {
  assert.match(refusal("model_s", "resnet8x5"), /unknown model resnet8x5\. Did you mean resnet8x4\?/);
  assert.match(refusal("distill", "our"), /unknown method our\. Did you mean ours\?/);
  assert.match(refusal("dataset", "cifar101"), /Did you mean cifar100\?/);
});

test("a choice that is none names all there are; what was typed is shown up to 200 letters", () => {
  const told = (name: string, raw: string) => {
    try {
      return parse(name, raw) as never;
    } catch (error) {
      return error as PefdError;
    }
  };
  assert.equal(told("engine", "tf").hint, "Choose one of eager, graph, xla, auto.");
  assert.match(told("model_s", "resnet8x5").hint ?? "", /pefd models/);
  assert.match(told("epochs", "abc".padEnd(200, "d")).message, /"abcd{197}" is not/);
  assert.match(told("epochs", "abc".padEnd(201, "d")).message, /"abcd{197}\.\.\." is not/);
});

test("values of JSON files of the wrong kind are refused", () => {
  for (const raw of [[3], { a: 1 }, null, true, "abc"]) refusal("epochs", raw);
  for (const raw of [1, "yes", "TRUE"]) refusal("deterministic", raw);
  refusal("save_dir", "");
  assert.equal(parse("deterministic", true), true);
});

test("a path that may be repeated is a list", () => {
  assert.deepEqual(parseValue("--checkpoint", paths([], ""), "a,b"), ["a,b"]);
  assert.deepEqual(parseValue("--checkpoint", paths([], ""), ["a", "b"]), ["a", "b"]);
});

test("every fixed default is a value that its own row takes", () => {
  for (const [name, row] of Object.entries(rows)) {
    if (row.fallback === undefined || row.type === "paths") continue;
    assert.deepEqual(parse(name, row.fallback), row.fallback, name);
  }
});

test("the paper's defaults are ours", () => {
  const paper = {
    epochs: 240,
    batch_size: 64,
    lr_decay_epochs: [150, 180, 210],
    lr_decay_rate: 0.1,
    weight_decay: 5e-4,
    momentum: 0.9,
    trial: 1,
  };
  for (const [name, value] of Object.entries(paper)) {
    assert.deepEqual(rowsOf([TRAINING])[name]?.fallback, value, name);
  }
  assert.equal(rowsOf([DISTILLATION]).kd_T?.fallback, 4);
});

test("a row's range is told as it is", () => {
  const row = integer(1, "", { min: 1, max: 3 });
  assert.throws(() => parseValue("--n", row, "4"), /an integer, at least 1 and at most 3; "4"/);
});
