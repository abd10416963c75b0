import { nativeBackend } from "../native.js";
import { type Tensor, tf } from "../tf.js";
import { MEMORY_FOLDER } from "./folder.js";

const place = (name: string): Tensor => tf.scalar(`${MEMORY_FOLDER}/${name}`, "string");

/** A string tensor of bytes, which tf.scalar would take for text. */
const bytesTensor = (bytes: Uint8Array): Tensor =>
  tf.tensor([bytes] as unknown as string[], [], "string");

/** Names of the programs that TensorFlow has in its memory. */
export const namesInMemory = (): string[] =>
  tf.tidy(() => {
    const found = nativeBackend().executeSingleOutput("MatchingFiles", [], [place("*")]);
    return Array.from(found.dataSync<"string">(), (path) => path.slice(MEMORY_FOLDER.length + 1));
  });

/** The bytes of one of them. */
export const readFromMemory = (name: string): Uint8Array =>
  tf.tidy(() => {
    const backend = nativeBackend();
    const content = backend.executeSingleOutput("ReadFile", [], [place(name)]);
    const [id] = backend.getInputTensorIds([content]) as [number];
    const [bytes] = backend.binding.tensorDataSync(id) as unknown as Uint8Array[];
    return bytes as Uint8Array;
  });

/** Gives TensorFlow a program as if it had compiled it. */
export function writeToMemory(name: string, bytes: Uint8Array): void {
  tf.tidy(() => {
    const backend = nativeBackend();
    const ids = backend.getInputTensorIds([place(name), bytesTensor(bytes)]);
    backend.binding.executeOp("WriteFile", [], ids, 0);
  });
}
