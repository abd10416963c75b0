import { type PefdError, runError } from "../../common/errors.js";

/** What is wrong with the bytes of an image; whoever knows its name makes an error of it (imageError). */
export class ImageProblem extends Error {
  override readonly name = "ImageProblem";
}

/** The error of an image that cannot be used. @param name of its file @param problem a clause: "it is empty" */
export const imageError = (name: string, problem: string): PefdError =>
  runError(
    `The image ${name} cannot be used: ${problem}.`,
    "Replace the file, or leave it out with --skip_list FILE, a list of names; `pefd data verify` finds all such images.",
  );
