import { createHash } from "node:crypto";
import { createRandom } from "../../common/random.js";
import { type OutputSizes, type Outputs, rowOf } from "./outputs.js";
import type { TeacherProgram } from "./teacherProgram.js";

/** What a teacher does with one image of noise that fills a whole batch. */
export interface Probe {
  /** Whether every place of the batch gives the same bits of the outputs that are kept. */
  readonly isPlaceFree: boolean;
  /** sha256 of all outputs: another teacher, library, processor or program gives another one. */
  readonly fingerprint: string;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

/**
 * Matrix products go over a batch in blocks of pixels, and the block at the end may be summed in another order: the
 * last image then differs from the same image elsewhere in its last bits. Whether it does depends on model, batch
 * size and processor, so it is tried.
 * @param imageValues values of one image
 */
export function probeTeacher(
  teacher: TeacherProgram,
  sizes: OutputSizes,
  batchSize: number,
  imageValues: number,
): Probe {
  const random = createRandom(0, "teacher cache probe");
  const image = Float32Array.from({ length: imageValues }, () => random.normal());
  const images = new Float32Array(batchSize * imageValues);
  for (let i = 0; i < batchSize; i++) images.set(image, i * imageValues);
  const outputs = teacher.run(images);
  const hash = createHash("sha256");
  for (const values of outputs.values()) hash.update(bytesOf(values));
  return { isPlaceFree: isPlaceFree(outputs, sizes, batchSize), fingerprint: hash.digest("hex") };
}

function isPlaceFree(outputs: Outputs, sizes: OutputSizes, batchSize: number): boolean {
  const rows = Array.from({ length: batchSize }, (_, row) => row);
  return Array.from(sizes).every(([name, size]) => {
    const values = outputs.get(name) as Float32Array;
    const first = bytesOf(rowOf(values, size, 0));
    return rows.every((row) => first.equals(bytesOf(rowOf(values, size, row))));
  });
}
