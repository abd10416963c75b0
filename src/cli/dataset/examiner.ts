import type { OpenExaminer } from "../../data/images/examine/examiner.js";
import { createProgressBar, type ProgressBar } from "../../report/live/progressBar.js";
import type { Invocation, Output } from "../command.js";
import { COLUMNS } from "../output.js";
import { imageReaderOf } from "./reader.js";

/** Shows on a terminal how many images of a half were looked at. */
export function imagesBar(output: Output) {
  const { stderr } = process;
  if (output.quiet || stderr.isTTY !== true) return { update: () => {}, stop: () => {} };
  let bar: ProgressBar | undefined;
  return {
    update(done: number, all: number) {
      if (bar === undefined) {
        bar = createProgressBar(stderr, stderr.columns ?? COLUMNS, output.color);
        bar.start(all, 0);
      }
      bar.update(done, [`${done} of ${all} images`]);
      if (done < all) return;
      bar.stop();
      bar = undefined;
    },
    stop: () => bar?.stop(),
  };
}

/** An examiner of images that shows on a terminal how far it is. */
export async function examinerOf(
  env: Invocation["env"],
  workers: number,
  output: Output,
): Promise<OpenExaminer> {
  const { openExaminer } = await import("../../data/images/examine/examiner.js");
  const reader = await imageReaderOf(env);
  const bar = imagesBar(output);
  const examiner = openExaminer({ workers, reader, onProgress: bar.update });
  return {
    ...examiner,
    close() {
      bar.stop();
      examiner.close();
    },
  };
}
