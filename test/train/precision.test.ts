import assert from "node:assert/strict";
import { test } from "node:test";
import { bfloat16Of } from "#pefd/runtime/device.js";
import { REDUCED_PRODUCTS } from "#pefd/runtime/ownModule.js";
import { type Arithmetic, decided, fastestOf, type Machine, precisionNote, reducedNote } from "#pefd/train/engine.js";

/** Lines of /proc/cpuinfo. */
const flags = (...names: string[]): string => `model name\t: some\nflags\t\t: fpu ${names.join(" ")} xsave\n`;

const processorWith = (cpuinfo: string): Arithmetic => ({
  gpu: false,
  capability: undefined,
  processor: bfloat16Of(cpuinfo),
  reduced: undefined,
});
const PLAIN = processorWith(flags("avx2", "avx512f", "avx512bw", "avx512_bf16"));
const WITH_UNITS = processorWith(flags("avx2", "avx512bw", "amx_bf16", "amx_tile"));
const WITHOUT = processorWith(flags("avx", "avx2", "fma"));

const REDUCED = { engine: "graph", precision: "bfloat16" } as const;

test("bfloat16 without AMX is said to be no faster, with the factor", () => {
  assert.match(precisionNote(REDUCED, PLAIN) ?? "", /no faster than float32 on this CPU.*0\.97 to 1\.00 times/);
  assert.equal(precisionNote(REDUCED, WITH_UNITS), undefined);
});

test("nothing is said against bfloat16 where our own convolutions have more for it", () => {
  const reduced = REDUCED_PRODUCTS.VNNI;
  assert.equal(precisionNote(REDUCED, { ...PLAIN, reduced }), undefined);
});

test("bfloat16 is refused where the processor has none", () => {
  assert.throws(() => precisionNote(REDUCED, WITHOUT), {
    exitCode: 2,
    message: /no bfloat16 convolutions/,
  });
  assert.equal(precisionNote({ ...REDUCED, engine: "xla" }, WITHOUT), undefined);
});

test("the eager engine has no bfloat16, on any device", () => {
  for (const machine of [WITH_UNITS, { ...WITHOUT, gpu: true, capability: 9 }]) {
    assert.throws(() => precisionNote({ engine: "eager", precision: "bfloat16" }, machine), {
      exitCode: 2,
      message: /^The eager engine computes in float32 only/,
    });
  }
});

test("float32 is nothing to talk about, nor is a processor of which nothing is told", () => {
  for (const machine of [PLAIN, WITH_UNITS, WITHOUT]) {
    assert.equal(precisionNote({ ...REDUCED, precision: "float32" }, machine), undefined);
  }
  assert.match(precisionNote(REDUCED, processorWith("")) ?? "", /no faster/);
});

test("auto is bfloat16 where that is fast, on a processor only if nothing else is chosen", () => {
  const auto = { engine: "auto", precision: "auto" } as const;
  const fast: Machine = { gpu: false, fastest: "bfloat16" };
  const precisionOf = (asked: Partial<Parameters<typeof decided>[0]>, machine = fast) =>
    decided({ ...auto, ...asked }, machine).precision;
  assert.deepEqual(decided(auto, fast), { engine: "graph", precision: "bfloat16" });
  assert.equal(precisionOf({}, { ...fast, fastest: "float32" }), "float32");
  assert.equal(precisionOf({ deterministic: true }), "float32");
  for (const engine of ["graph", "eager", "xla"] as const) {
    assert.equal(precisionOf({ engine }), "float32");
    assert.equal(precisionOf({ engine, precision: "bfloat16" }), "bfloat16");
  }
  const gpu: Machine = { gpu: true, fastest: fastestOf(8.9) };
  assert.deepEqual(decided(auto, gpu), { engine: "xla", precision: "bfloat16" });
  assert.deepEqual(decided(auto, { gpu: true, fastest: fastestOf(7.5) }), { engine: "xla", precision: "float16" });
  assert.deepEqual(decided(auto, { gpu: true, fastest: fastestOf(undefined) }), {
    engine: "xla",
    precision: "float32",
  });
  assert.equal(precisionOf({ engine: "eager" }, gpu), "float32");
  assert.equal(precisionOf({ deterministic: true }, gpu), "bfloat16");
});

test("where bfloat16 is faster and nobody has chosen, it is said what is done and what to type", () => {
  const auto = { precision: "auto" } as const;
  const float32 = { ...REDUCED, precision: "float32" } as const;
  const { AMX, VNNI } = REDUCED_PRODUCTS;
  assert.match(reducedNote(auto, float32, AMX) ?? "", /--precision bfloat16.*about half/);
  assert.equal(reducedNote(auto, float32, undefined), undefined);
  assert.equal(reducedNote({ precision: "float32" }, float32, AMX), undefined);
  assert.equal(reducedNote(auto, { ...float32, engine: "eager" }, AMX), undefined);
  assert.match(reducedNote(auto, REDUCED, AMX) ?? "", /in bfloat16.*AMX.*--precision float32/);
  assert.match(reducedNote(auto, REDUCED, VNNI) ?? "", /int16 on VNNI.*three fifths/);
});

test("a GPU older than bfloat16 is told of", () => {
  const gpu = (capability: number) => ({ ...WITHOUT, gpu: true, capability });
  const choice = { engine: "xla", precision: "bfloat16" } as const;
  assert.match(precisionNote(choice, gpu(7.5)) ?? "", /does not support bfloat16 natively/);
  assert.equal(precisionNote(choice, gpu(8.9)), undefined);
  assert.equal(precisionNote({ ...choice, precision: "float16" }, gpu(7.5)), undefined);
  assert.match(precisionNote({ ...choice, precision: "float16" }, WITHOUT) ?? "", /float16 is for GPUs/);
});
