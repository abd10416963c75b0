import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { eventsOf, type GpuEvent } from "./events.js";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { noPretendedGpu } from "./runtimeTree.js";

/** One call takes so many steps: as many as there are. */
const STEPS = 64;
/** Images for them; as they lie on the GPU, in float32. */
const [BATCH, PIXELS] = [16, 32 * 32 * 3];
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

// `pefd bench` makes as many calls as it is told to, whatever they take: the difference between two of its runs is
// what some calls do.
describe("what a call of training copies", { skip: noPretendedGpu() }, () => {
  let gpu: PretendedGpu;
  let one: readonly GpuEvent[];
  let three: readonly GpuEvent[];

  const bench = async (repeats: number): Promise<GpuEvent[]> => {
    const size = ["--batch_size", `${BATCH}`, "--steps", `${STEPS}`, "--repeats", `${repeats}`];
    const models = ["--model_t", "resnet8", "--model_s", "resnet8", "--precision", "bfloat16"];
    const words = ["bench", "--what", "distill", "--engine", "xla", ...models, ...size];
    const { exitCode, stderr, events } = await gpu.pefd(words);
    assert.equal(exitCode, 0, stderr);
    return events;
  };

  before(async () => {
    gpu = pretendGpu();
    one = await bench(1);
    three = await bench(3);
  });
  after(() => gpu?.remove());

  it("the metrics and nothing else come to the host, once they are read", (t) => {
    const copies = beyond(sizesOf(three, "to-host"), sizesOf(one, "to-host"));
    t.diagnostic(
      `${copies.length} copies to the host in two calls, of ${copies.join(" and ")} bytes`,
    );
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
    t.diagnostic(`${perStep} kernels a step`);
    assert.ok(perStep > 10);
  });
});
