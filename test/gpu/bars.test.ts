import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { withMany } from "../helpers/matrices.js";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { type CompiledLoop, compiledPrograms, dumpFlags, kernelsPerStep, stepsOf } from "./runs/compiledProgram.js";
import { eventsOf, type GpuEvent } from "./runs/events.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

/** What is measured: `pefd bench` trains the pair resnet32x4 -> resnet8x4 by `ours`, or resnet32x4 alone. */
type What = "distill" | "teacher";

/** The most kernels of one step (docs/performance.md: how many there are). */
const KERNELS_PER_STEP = { distill: 150, alone: 205, teacher: 380 };

/** For how many steps at once the teacher looks at images, unless it is told. */
const AHEAD = 4;

/** One call takes so many steps: as many as there are. */
const STEPS = 32;
/** Images for them; as they lie on the GPU, in float32. */
const [BATCH, PIXELS] = [64, 32 * 32 * 3];
const IMAGE_BYTES = BATCH * STEPS * PIXELS * 4;
/** A loss, two counts of hits, and images, as float32. */
const METRICS_BYTES = 16;
/** Cross entropy and the method's one term, summed. */
const TERMS_BYTES = 2 * 4;

const sizesOf = (events: readonly GpuEvent[], kind: GpuEvent["kind"]): number[] =>
  eventsOf(events, kind).map(({ amount }) => amount);

/** What one list has beyond another, in any order. */
function beyond(more: readonly number[], less: readonly number[]): number[] {
  const rest = [...less];
  return more.filter((size) => {
    const place = rest.indexOf(size);
    if (place >= 0) rest.splice(place, 1);
    return place < 0;
  });
}

const folderOf = (gpu: PretendedGpu, what: What, more: readonly string[]): string =>
  join(gpu.root, [what, ...more].join("_"));

/** `pefd bench` in bfloat16, with XLA telling what it compiles in the folder `what` names. */
async function bench(
  gpu: PretendedGpu,
  what: What,
  repeats: number,
  more: readonly string[] = [],
): Promise<GpuEvent[]> {
  const dump = folderOf(gpu, what, more);
  mkdirSync(dump, { recursive: true });
  const env = { XLA_FLAGS: `${gpu.environment().XLA_FLAGS} ${dumpFlags(dump)}` };
  const size = ["--batch_size", `${BATCH}`, "--steps", `${STEPS}`, "--repeats", `${repeats}`];
  const words = ["bench", "--what", what, "--engine", "xla", "--precision", "bfloat16", ...size, ...more];
  const { exitCode, stderr, events } = await gpu.pefd(words, { env });
  assert.equal(exitCode, 0, stderr);
  return events;
}

/** The loop of the steps in the program that such a run compiled. */
function loopOf(gpu: PretendedGpu, what: What, more: readonly string[] = []): CompiledLoop {
  const programs = compiledPrograms(folderOf(gpu, what, more));
  const program = programs.find(({ name }) => name === "train_loop");
  return program?.loops[0] ?? assert.fail("no training program");
}

describe("the bars of a step on a pretended H100", { skip: noPretendedGpu() }, () => {
  let gpu: PretendedGpu;
  let one: readonly GpuEvent[];
  let three: readonly GpuEvent[];

  // It makes as many calls as it is told to, whatever they take: the difference between two of its runs is what some
  // calls do.
  before(async () => {
    gpu = pretendGpu();
    one = await bench(gpu, "distill", 1);
    three = await bench(gpu, "distill", 3);
  });
  after(() => gpu?.remove());

  it("the rounds of the loop are known, and of the loop inside of it", (t) => {
    const loop = loopOf(gpu, "distill");
    t.diagnostic(`rounds: ${loop.rounds ?? "unknown"} of ${loop.loops[0]?.rounds ?? "unknown"} steps`);
    assert.equal(stepsOf(loop), STEPS);
    assert.equal(loop.loops[0]?.rounds, AHEAD);
  });

  it(`a step of distillation takes at most ${KERNELS_PER_STEP.distill} kernels`, (t) => {
    const kernels = kernelsPerStep(loopOf(gpu, "distill"));
    t.diagnostic(`kernels per step of distillation, resnet32x4 -> resnet8x4: ${kernels}`);
    assert.ok(kernels > 50 && kernels <= KERNELS_PER_STEP.distill, `${kernels}`);
  });

  it("that is a seventh less than with a teacher that looks at each step's images alone", async (t) => {
    const alone = ["--teacher_ahead", "1"];
    await bench(gpu, "distill", 1, alone);
    const loop = loopOf(gpu, "distill", alone);
    const kernels = kernelsPerStep(loop);
    t.diagnostic(`kernels per step with --teacher_ahead 1: ${kernels}`);
    assert.equal(loop.rounds, STEPS);
    assert.equal(loop.loops.length, 0);
    assert.ok(kernels <= KERNELS_PER_STEP.alone, `${kernels}`);
    assert.ok(kernelsPerStep(loopOf(gpu, "distill")) <= (6 / 7) * kernels);
  });

  const whole = { skip: withMany };
  it(`a step of a teacher takes at most ${KERNELS_PER_STEP.teacher} kernels`, whole, async (t) => {
    await bench(gpu, "teacher", 1);
    const loop = loopOf(gpu, "teacher");
    const kernels = kernelsPerStep(loop);
    t.diagnostic(`kernels per step of training resnet32x4: ${kernels}`);
    assert.ok(kernels > 50 && kernels <= KERNELS_PER_STEP.teacher);
    assert.equal(loop.rounds, STEPS);
  });

  it("the metrics and nothing else come to the host, once they are read", (t) => {
    const copies = beyond(sizesOf(three, "to-host"), sizesOf(one, "to-host"));
    t.diagnostic(`copies to the host in two calls: ${copies.length}, bytes: ${copies.join(", ")}`);
    const expected = [METRICS_BYTES, METRICS_BYTES, TERMS_BYTES, TERMS_BYTES];
    assert.deepEqual(copies.toSorted(), expected.toSorted());
  });

  it("the images go to the GPU once, and never back", () => {
    const images = (kind: GpuEvent["kind"]) =>
      sizesOf(one, kind).filter((size) => size === IMAGE_BYTES || size === IMAGE_BYTES / 4);
    assert.equal(images("to-host").length, 0);
    assert.equal(images("to-device").length, 1);
  });

  it("a step launches the same kernels in every round", (t) => {
    const launched = (events: readonly GpuEvent[]) => eventsOf(events, "launch").length;
    const perStep = (launched(three) - launched(one)) / (2 * STEPS);
    t.diagnostic(`launches of XLA's own kernels per step, with those around the loop: ${perStep}`);
    assert.ok(perStep > 10);
  });
});
