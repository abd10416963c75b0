import assert from "node:assert/strict";
import { test } from "node:test";
import {
  deviceError,
  float32Bytes,
  isDeviceError,
  MEMORY_HINT,
  memorySentence,
  takingMemory,
} from "#pefd/common/deviceMemory.js";
import { PefdError } from "#pefd/common/errors.js";

const RAN_OUT = "OOM when allocating tensor with shape[64,112,112,64] and type float on /job:localhost";

test("an error is a device's where it or one behind it says so", () => {
  const inner = new Error(RAN_OUT);
  assert.equal(isDeviceError(inner), true);
  assert.equal(isDeviceError(new Error("the step failed", { cause: inner })), true);
  assert.equal(isDeviceError(new Error("the step failed", { cause: "unknown" })), false);
  assert.equal(isDeviceError(new Error("no such file")), false);
  assert.equal(isDeviceError(RAN_OUT), false, "a text is no error");
});

test("the sentence has what was asked for, as far as the library's message tells", () => {
  const sentence = (asked: string) => `The device has too little memory: it was asked for ${asked}.`;
  const messages: [message: string, asked: string][] = [
    [RAN_OUT, "a tensor [64,112,112,64] of float"],
    ["RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1234567890 bytes.", "1.2 GB"],
    ["failed to allocate memory: allocating 2500000 bytes", "2.5 MB"],
    ["out of memory trying to allocate 1001 bytes", "2 kB"],
    ["RESOURCE_EXHAUSTED: Out of memory trying to allocate 2.50GiB", "2.50 GiB"],
  ];
  for (const [message, asked] of messages) assert.equal(memorySentence(message), sentence(asked));
  const silent = "Invalid TF_Status: 8";
  assert.equal(memorySentence(silent, "for a step", 3e9), sentence("3.0 GB for a step"));
  assert.equal(memorySentence(silent), "Out of device memory.");
});

test("what CUDA, cuDNN and cuBLAS report is a sentence with what to do, and no defect of pefd", () => {
  const messages: [message: string, exitCode: number, sentence: RegExp, hint: RegExp][] = [
    [
      "cudaSetDevice() on GPU:0 failed. Status: CUDA-capable device(s) is/are busy or unavailable",
      3,
      /busy/,
      /nvidia-smi/,
    ],
    ["CUDA_ERROR_ECC_UNCORRECTABLE: uncorrectable ECC error encountered", 3, /ECC/, /reset.*--resume/],
    ["Failed to create CuDNN handle: CUDNN_STATUS_INTERNAL_ERROR", 3, /cuDNN/, /nvidia-smi/],
    ["the library was not initialized; CUBLAS_STATUS_NOT_INITIALIZED", 3, /cuBLAS/, /nvidia-smi/],
    [
      "autotuning: CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered",
      3,
      /kernel failed/,
      /--resume/,
    ],
    [
      "CUDA_ERROR_UNSUPPORTED_PTX_VERSION: compiled with an unsupported toolchain.",
      3,
      /driver is too old/,
      /cuda-compat/,
    ],
    ["cudaGetDevice() failed. Status: invalid argument", 3, /cudaGetDevice.*invalid argument\.$/, /doctor/],
    ["INTERNAL: ptxas exited with non-zero error code 2, output: ", 3, /ptxas exited/, /doctor/],
    ["INTERNAL: Traced CUDA graph is empty. Traced function did not launch", 3, /CUDA graph is empty/, /--debug/],
    ["UNIMPLEMENTED: DNN library is not found.", 3, /DNN library is not found\.$/, /doctor/],
    ["NOT_FOUND: No valid config found! autotuning of gemm_fusion", 3, /No valid config/, /doctor/],
    ["end stream capture: CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", 3, /CUDA_ERROR_STREAM_CAPTURE_INVALIDATED/, /doctor/],
    [
      "CUDA_ERROR_OUT_OF_MEMORY: out of memory; total memory reported: 85899345920",
      1,
      /memory/,
      /--batch_size.*nvidia-smi/,
    ],
    ["No algorithm worked! CUDNN engine: RESOURCE_EXHAUSTED: Out of memory", 1, /memory/, /nvidia-smi/],
  ];
  for (const [message, exitCode, sentence, hint] of messages) {
    const told = deviceError(`Invalid TF_Status: 13\nMessage: ${message}`);
    assert.match(told?.message ?? "", sentence, message);
    assert.match(told?.hint ?? "", hint, message);
    assert.equal(told?.exitCode, exitCode, message);
  }
  for (const message of ["no such node", "INTERNAL: expected a tensor of rank 4", "the GPU's name: H100"]) {
    assert.equal(deviceError(message), undefined);
  }
  assert.doesNotMatch(deviceError(RAN_OUT)?.hint ?? "", /nvidia-smi/, "a CPU ran out");
});

test("work that takes memory gives what it gives, and fails as it fails, unless memory was too little", () => {
  assert.equal(
    takingMemory("for a step", 1, () => 7),
    7,
  );
  const other = new Error("no such node");
  const failing = (error: unknown) => () =>
    takingMemory("for a step", 4e6, () => {
      throw error;
    });
  assert.throws(failing(other), (error) => error === other);
  const cause = new Error("Dst tensor is not initialized.");
  assert.throws(failing(cause), (error: PefdError) => {
    assert.ok(error instanceof PefdError);
    assert.match(error.message, /it was asked for 4\.0 MB for a step\.$/);
    assert.deepEqual([error.exitCode, error.hint, error.cause], [1, MEMORY_HINT, cause]);
    return true;
  });
});

test("float32 takes four bytes", () => {
  assert.equal(float32Bytes([{ size: 3 }, { size: 5 }]), 32);
});
