import { ownOp } from "../../ops/ops.js";
import { DT, nativeBackend, typeAttribute } from "../../runtime/native.js";
import { ownOpsServe } from "../../runtime/ownOps.js";
import { type Tensor, type Tensor4D, tf } from "../../runtime/tf.js";
import { defineOp } from "../defineOp.js";

const moved = (op: string, type: "Tshape" | "Tperm", x: Tensor, numbers: number[]): Tensor =>
  nativeBackend().executeSingleOutput(
    op,
    [typeAttribute("T", DT.float), typeAttribute(type, DT.int32)],
    [x, tf.tensor1d(numbers, "int32")],
  );

/** The batch size is dynamic, so a recorded graph works for any. */
function shuffled(x: Tensor, groups: number): Tensor {
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const blocks = moved("Reshape", "Tshape", x, [-1, height, width, groups, channels / groups]);
  const transpose = ownOpsServe() ? ownOp("Transpose") : "Transpose";
  const turned = moved(transpose, "Tperm", blocks, [0, 1, 2, 4, 3]);
  return moved("Reshape", "Tshape", turned, [-1, height, width, channels]);
}

const shuffleOp = defineOp({
  name: "channelShuffle",
  inputs: ["x"],
  outputs: ["y"],
  saved: [],
  forward: ({ x }, { groups }: { groups: number }) => [shuffled(x, groups)],
  gradient: (dy, _saved, { groups }) => ({ x: () => shuffled(dy, (dy.shape.at(-1) as number) / groups) }),
});

/** ShuffleNet's channel shuffle of [N, H, W, C], C a multiple of groups: channel j of block i becomes i of block j. */
export const channelShuffle = (x: Tensor4D, groups: number): Tensor4D => shuffleOp({ x }, { groups }).y as Tensor4D;
