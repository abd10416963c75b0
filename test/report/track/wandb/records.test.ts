import assert from "node:assert/strict";
import { it } from "node:test";
import {
  decoded,
  encoded,
  exit,
  header,
  history,
  run,
  summary,
} from "#pefd/report/track/wandb/records.js";

const RUN = { experiment: "a-b", name: "ours_1", settings: { lr: 0.05, list: [1, 2] } };

const RECORDS = [
  header(),
  run("abcd1234", RUN, 1795742859500),
  history(300, { loss: Number.NaN, _step: 300 }),
  summary({ loss: -Infinity }),
  exit(255, 7),
];

/** What the messages of wandb 0.19.11 (wandb_internal_pb2) make of them. */
const GOLDEN = [
  "0801aa01080a060a0470656664",
  "08028a01450a0861626364313233341a03612d62221d0a0b0a026c72820104302e30350a0e0a046c6973748201055b312c325d42066f7572735f318a010c088bb9a3d8061080cab5ee01",
  "080312220a0c0a046c6f73738201034e614e0a0d0a055f73746570820103333030120308ac02",
  "08041a140a120a046c6f73738201092d496e66696e697479",
  "080592010508ff011007",
];

it("records of W&B have wandb's bytes, and are read back", () => {
  const bytes = encoded(RECORDS);
  assert.deepEqual(
    bytes.map((record) => Buffer.from(record).toString("hex")),
    GOLDEN,
  );
  const read = decoded(bytes);
  assert.deepEqual(
    read.map(({ kind }) => kind),
    ["header", "run", "history", "summary", "exit"],
  );
  assert.equal(read[2]?.step, 300);
  assert.deepEqual(encoded(read), bytes);
});
