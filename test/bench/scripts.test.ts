import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { test } from "node:test";
import { GOLDEN, ROOT } from "../helpers/paths.js";
import { runScript } from "../helpers/pefd.js";
import { missingPython, runPython } from "../helpers/python.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const timing = (engine: string, stepMs: number, batchSize = 64) => ({
  what: "train teacher resnet8",
  engine,
  precision: "float32",
  batchSize,
  stepMs,
  stepMsMin: stepMs,
  stepMsMax: 2 * stepMs,
  firstStepMs: 5,
  imagesPerSecond: (1000 * batchSize) / stepMs,
});

test("both programs' documents become one table and one document", async (t) => {
  const folder = temporaryFolder(t);
  const write = (name: string, document: unknown) => {
    writeFileSync(join(folder, name), JSON.stringify(document));
    return join(folder, name);
  };
  const ours = { device: "A", tensorflow: "2.21.0", results: [timing("graph", 1.5, 50)] };
  const theirs = { device: "A", pytorch: "2.13", results: [timing("pytorch-eager", 12, 200)] };
  const files = [write("ours.json", ours), write("theirs.json", theirs)];
  const { exitCode, stderr } = await runScript(resolve(ROOT, "scripts/bench-merge.js"), [folder, ...files]);
  assert.equal(exitCode, 0, stderr);
  const markdown = readFileSync(join(folder, "bench.md"), "utf8");
  assert.match(markdown, /pefd, TensorFlow 2\.21\.0 +\| graph +\| float32 +\| +50 +\| +1\.50 +\|/);
  assert.match(markdown, /PyTorch 2\.13 +\| pytorch-eager +\| float32 +\| +200 +\| +12\.0 +\|/);
  assert.match(markdown, /train teacher resnet8 +\| any +\| +33333 +\| +16667 +\| +0\.50 +\|/);
  const merged = JSON.parse(readFileSync(join(folder, "bench.json"), "utf8"));
  assert.deepEqual(merged.documents, [ours, theirs]);
});

test("of several rounds of a program the medians count", async (t) => {
  const folder = temporaryFolder(t);
  const files = [1, 5, 2].map((stepMs, round) => {
    const file = join(folder, `${round}.json`);
    const document = { device: "A", pytorch: "2.13", results: [timing("pytorch-eager", stepMs)] };
    writeFileSync(file, JSON.stringify(document));
    return file;
  });
  const script = resolve(ROOT, "scripts/bench-merge.js");
  const { exitCode, stderr } = await runScript(script, [folder, ...files]);
  assert.equal(exitCode, 0, stderr);
  const { documents } = JSON.parse(readFileSync(join(folder, "bench.json"), "utf8"));
  const [{ results }, ...others] = documents;
  assert.deepEqual([results.length, others.length], [1, 0]);
  const { stepMs, stepMsMin, stepMsMax } = results[0];
  assert.deepEqual([stepMs, stepMsMin, stepMsMax], [2, 1, 10]);
});

const skip = missingPython("torch");

test("bench-pytorch.py times the same works as pefd bench", { skip, timeout: 300_000 }, () => {
  const stdout = execFileSync(
    process.env.PEFD_PYTHON ?? "python3",
    [
      resolve(ROOT, "scripts/bench-pytorch.py"),
      "--json",
      "--teacher",
      "resnet8",
      "--student",
      "resnet8",
      "--batch-size",
      "2",
      "--steps",
      "1",
      "--repeats",
      "1",
      "--test-images",
      "2",
    ],
    { encoding: "utf8" },
  );
  const { results } = JSON.parse(stdout);
  const whats = new Set(results.map(({ what }: { what: string }) => what));
  assert.deepEqual([...whats], ["distill ours resnet8 -> resnet8", "train teacher resnet8", "evaluate resnet8"]);
  for (const result of results) {
    const { stepMs, stepMsMin, stepMsMax, imagesPerSecond, firstStepMs } = result;
    assert.ok(stepMsMin > 0 && stepMsMin <= stepMs && stepMs <= stepMsMax, JSON.stringify(result));
    assert.ok(imagesPerSecond > 0 && firstStepMs > 0);
  }
});

test("bench-limits.py measures products in both precisions, and memory", { skip }, () => {
  const script = resolve(ROOT, "scripts/bench-limits.py");
  const python = process.env.PEFD_PYTHON ?? "python3";
  const asked = ["--json", "--repeats", "1", "--threads", "1", "--size", "64"];
  const limits = JSON.parse(execFileSync(python, [script, ...asked], { encoding: "utf8" }));
  assert.equal(limits.threads, 1);
  const { float32Gmacs, bfloat16Gmacs, memoryGbs } = limits;
  for (const measured of [float32Gmacs, bfloat16Gmacs, memoryGbs]) assert.ok(measured > 0);
});

/** Terms of bench_methods.py between the stand-ins of a golden file, by method. */
const TERMS = `
import json, sys
import numpy as np, torch

scripts, *files = sys.argv[1:]
sys.path.insert(0, scripts)
from bench_methods import METHODS, Output, Sizes

def signed(key, shape):
    x = (np.arange(int(np.prod(shape)), dtype=np.uint64) + key * 2654435761) & 0xFFFFFFFF
    for factor in (0x7FEB352D, 0x846CA68B):
        x = ((x ^ (x >> np.uint64(16 if factor == 0x7FEB352D else 15))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    return torch.tensor((2 * x / 2**32 - 1).reshape(shape))

RULES = {
    "conv.weight": lambda s, fan: s * (3 / fan) ** 0.5, "linear.weight": lambda s, fan: s * (3 / fan) ** 0.5,
    "conv.bias": lambda s, fan: s * 0.1, "linear.bias": lambda s, fan: s * 0.1,
    "bn.weight": lambda s, fan: 1 + s * 0.1, "bn.bias": lambda s, fan: s * 0.1,
    "bn.running_mean": lambda s, fan: s * 0.1, "bn.running_var": lambda s, fan: 1 + s * 0.5,
    "log_scale": lambda s, fan: np.log(np.expm1(5 - 1e-5)) + s * 0.1,
}

def stand_in(shapes, batch, features, logits):
    tensors = [(signed(features + j, [batch, *shape]) * 2).clamp(min=0) for j, shape in enumerate(shapes)]
    return Output(tensors[1:-1], tensors[-1] if tensors else None, signed(logits, [batch, 100]) * 4)

def sizes(shapes, keys=None):
    wide = shapes[-1][0] if shapes else 1
    classifier = torch.nn.Linear(wide, 100).double()
    with torch.no_grad():
        classifier.weight.copy_(RULES["linear.weight"](signed(9403, [100, wide]), wide))
        classifier.bias.copy_(RULES["linear.bias"](signed(9404, [100]), wide))
    return Sizes([shape[0] for shape in shapes[1:-1]], wide, classifier)

found = {}
for file in files:
    golden = json.load(open(file))
    entry = next(iter(golden["losses"].values()))
    shapes = entry.get("shapes", {"student": [], "teacher": [], "batch": 4})
    student, teacher = shapes["student"], shapes["teacher"]
    term = METHODS[golden["method"]].make(sizes(student), sizes(teacher)).double().train()
    rows = entry.get("ownState", [])
    state = term.state_dict()
    assert len(state) == len(rows), (golden["method"], list(state), rows)
    for (name, values), (_, shape, role, key) in zip(state.items(), rows):
        if role != "bn.num_batches_tracked":
            values.copy_(RULES[role](signed(key, shape), int(np.prod(shape[1:]))))
    batch = shapes["batch"]
    outputs = stand_in(student, batch, 9210, 9101), stand_in(teacher, batch, 9230, 9102)
    labels = torch.tensor([3, 17, 42, 99, 0, 50, 17, 3][:batch])
    found[golden["method"]] = [term(*outputs, labels).item(), entry["value"], entry["spread"]["valueMaxRel"]]
print(json.dumps(found))
`;

test("what bench-pytorch.py times beside pefd are the methods of the golden files", {
  skip,
}, () => {
  const scripts = resolve(ROOT, "scripts");
  const source = readFileSync(join(scripts, "bench_methods.py"), "utf8");
  const methods = Array.from(source.matchAll(/^ {4}"(\w+)": Method\(/gm), ([, name]) => name as string);
  const folder = join(GOLDEN, "methods");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => methods.includes(basename(file, ".json")))
    .map((file) => join(folder, file));
  assert.ok(files.length >= 8);
  const found = JSON.parse(runPython(TERMS, [scripts, ...files]));
  for (const [name, [value, expected, spread]] of Object.entries<[number, number, number]>(found)) {
    const bound = Math.max(1e-5, 5 * spread) * Math.abs(expected);
    assert.ok(Math.abs(value - expected) < bound, `${name}: ${value}, ${expected}`);
  }
});

const skipProfile = missingPython("tensorflow");

test("profile-step.js divides a step between teacher, student and optimizer", {
  skip: skipProfile,
  timeout: 300_000,
}, () => {
  const stdout = execFileSync(process.execPath, [resolve(ROOT, "scripts/profile-step.js"), "distill", "1"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const rows = stdout.split("\n").map((line) => line.match(/^ *([\d.]+) % .* ms {2}(.*)$/));
  const shares = new Map(rows.flatMap((row) => (row ? [[row[2], Number(row[1])]] : [])));
  for (const part of ["frozen teacher: convolution", "trained model: convolution"]) {
    assert.ok((shares.get(part) ?? 0) > 10, stdout);
  }
  assert.ok(
    [...shares.keys()].some((part) => part?.startsWith("optimizer")),
    stdout,
  );
  const total = [...shares.values()].reduce((sum, share) => sum + share, 0);
  assert.ok(Math.abs(total - 100) < 2, stdout);
});
