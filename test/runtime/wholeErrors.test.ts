import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { before, describe, it } from "node:test";
import { nativeBackend } from "#pefd/runtime/native.js";
import { logLevelFile, packageDirectory } from "#pefd/runtime/paths.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";

const compiled = existsSync(logLevelFile(packageDirectory() ?? ""));

/** Two such shapes take more than the 500 bytes at which TensorFlow.js's own sources cut a message. */
const DIMENSIONS = 250;
/** TensorFlow's number of float32. */
const FLOAT = 1;

// src/native/binding/overrides.h
describe("what TensorFlow says of an error", {
  skip: !compiled && "only setup compiles it",
}, () => {
  before(() => {
    loadTensorFlow();
  });

  it("of an op arrives whole", () => {
    const { binding } = nativeBackend();
    const ones = [2, 3].map((size) => {
      const shape = [size, ...Array<number>(DIMENSIONS - 1).fill(1)];
      return binding.createTensor(shape, FLOAT, new Float32Array(size));
    });
    const type = { name: "T", type: binding.TF_ATTR_TYPE, value: FLOAT };
    assert.throws(() => binding.executeOp("AddV2", [type], ones, 1), {
      message: /^Invalid TF_Status: 3\nMessage: .*\[2(,1){249}\] vs\. \[3(,1){249}\]/,
    });
    for (const id of ones) binding.deleteTensor(id);
  });

  it("of a session arrives whole", () => {
    const place = `/nowhere/${"folder/".repeat(100)}`;
    assert.throws(
      () => nativeBackend().binding.loadSavedModel(place, "serve"),
      ({ message }: Error) => message.startsWith("Failed to load SavedModel: ") && message.includes(place),
    );
  });
});
