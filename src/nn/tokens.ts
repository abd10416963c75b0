import { DT, nativeBackend, typeAttribute } from "../runtime/native.js";
import { type Tensor, tf } from "../runtime/tf.js";
import { defineOp } from "./defineOp.js";

// tfjs puts the batch size into the graph; with -1 in its place a recorded graph works for any.

const reshaped = (x: Tensor, rest: readonly number[]): Tensor =>
  nativeBackend().executeSingleOutput(
    "Reshape",
    [typeAttribute("T", DT.float), typeAttribute("Tshape", DT.int32)],
    [x, tf.tensor1d([-1, ...rest], "int32")],
  );

const reshapeOp = defineOp({
  name: "reshapeRest",
  inputs: ["x"],
  outputs: ["y"],
  saved: [],
  forward: ({ x }, { rest }: { rest: readonly number[]; from: readonly number[] }) => [reshaped(x, rest)],
  gradient: (dy, _saved, { from }) => ({ x: () => reshaped(dy, from) }),
});

/** x as [-1, ...rest], any rank. */
export const reshapeRest = <T extends Tensor>(x: Tensor, rest: readonly number[]): T =>
  reshapeOp({ x }, { rest, from: x.shape.slice(1) }).y as T;

const partOp = defineOp({
  name: "tokenPart",
  inputs: ["x"],
  outputs: ["y"],
  saved: [],
  forward: ({ x }, { from, count }: { from: number; count: number; length: number }) => [
    nativeBackend().executeSingleOutput(
      "Slice",
      [typeAttribute("T", DT.float), typeAttribute("Index", DT.int32)],
      [x, tf.tensor1d([0, from, 0], "int32"), tf.tensor1d([-1, count, -1], "int32")],
    ),
  ],
  gradient: (dy, _saved, { from, count, length }) => ({ x: () => withRoom(dy, from, length - from - count) }),
});

/** Some tokens of x [N, L, C]. @returns [N, count, C] */
export const tokenPart = (x: Tensor, from: number, count: number): Tensor =>
  partOp({ x }, { from, count, length: x.shape[1] as number }).y;

/** Zero tokens before or after those of x [N, L, C]. */
export const withRoom = (x: Tensor, before: number, after: number): Tensor => {
  const room: [number, number][] = [
    [0, 0],
    [before, after],
    [0, 0],
  ];
  return tf.pad(x, room);
};
