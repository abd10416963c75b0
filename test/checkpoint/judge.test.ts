import assert from "node:assert/strict";
import { test } from "node:test";
import type { CheckpointContent } from "#pefd/checkpoint/metadata.js";
import { encodeMetadata } from "#pefd/checkpoint/metadata.js";
import { parseCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { parseSafetensors, serializeSafetensors } from "#pefd/checkpoint/safetensors.js";
import { serializePth } from "#pefd/checkpoint/writeCheckpoint.js";
import { PefdError } from "#pefd/common/errors.js";
import { createRandom, type Random } from "#pefd/common/random.js";
import type { StateDict } from "#pefd/common/stateDict.js";
import { draws } from "../helpers/faults.js";
import { missingPython } from "../helpers/python.js";
import { makePth, makeSafetensors } from "./generate.js";
import { startJudge, type Verdict } from "./judge.js";

const FILES = draws(500, 25_000);
const MILLISECONDS = 1000;
const BYTES = 100 * 2 ** 20;

const MAKERS: Readonly<Record<string, (random: Random) => Buffer | Promise<Buffer>>> = {
  ".pth": makePth,
  ".safetensors": makeSafetensors,
};

const milliseconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const bytesHeld = (): number => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

const shown = (state: StateDict): NonNullable<Verdict> =>
  Object.fromEntries(
    Array.from(state, ([name, { dtype, shape, data }]) => [
      name,
      [dtype, [...shape], Buffer.from(data).toString("hex")],
    ]),
  );

/** What we make of a file: its content, or undefined after a clear refusal; soon, and in bounded memory. */
async function read(file: Buffer): Promise<CheckpointContent | undefined> {
  const [start, before] = [milliseconds(), bytesHeld()];
  const content = await parseCheckpoint(file).catch((error: unknown) => {
    assert.ok(error instanceof PefdError && error.exitCode === 2, String(error));
    assert.match(error.message, /^[^\n]{10,600}$/);
    return undefined;
  });
  const [spent, grown] = [milliseconds() - start, bytesHeld() - before];
  assert.ok(spent < MILLISECONDS, `${spent} ms`);
  assert.ok(grown < 4 * file.length + BYTES, `${grown} bytes`);
  return content;
}

/** What was read can be written in both formats, and is the same when it is read back. */
async function survivesConversion({ state, metadata }: CheckpointContent): Promise<void> {
  const safetensors = serializeSafetensors(state, encodeMetadata(metadata));
  assert.deepEqual(shown(parseSafetensors(safetensors).state), shown(state));
  const back = await parseCheckpoint(await serializePth(state, metadata));
  assert.deepEqual(shown(back.state), shown(state));
}

for (const [kind, make] of Object.entries(MAKERS)) {
  const reason = missingPython("torch", "numpy", "safetensors.torch");
  test(`${FILES} ${kind} files drawn at random: what PyTorch reads too is the same in every byte`, async (t) => {
    const judge = reason === false ? startJudge() : undefined;
    if (judge === undefined) t.diagnostic(`without a judge: ${reason}`);
    t.after(() => judge?.stop());
    const random = createRandom(2, "judged", kind);
    const counts = { ours: 0, theirs: 0, both: 0 };
    for (let i = 0; i < FILES; i++) {
      const file = await make(random);
      try {
        const content = await read(file);
        const theirs = await judge?.ask(file);
        if (content) await survivesConversion(content);
        if (content && theirs) assert.deepEqual(shown(content.state), theirs);
        counts.ours += content ? 1 : 0;
        counts.theirs += theirs ? 1 : 0;
        counts.both += content && theirs ? 1 : 0;
      } catch (error) {
        t.diagnostic(`file ${i}: ${file.toString("base64")}`);
        throw error;
      }
    }
    t.diagnostic(`read by us ${counts.ours}, by PyTorch ${counts.theirs}, by both ${counts.both}`);
    assert.ok(counts.ours > FILES / 20, "enough can be read to compare");
    assert.ok(judge === undefined || counts.both > FILES / 20, "enough is read by both");
  });
}
