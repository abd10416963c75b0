import { sha256 } from "../checksums.js";
import type { WholeFile } from "../examine.js";
import type { Labels } from "../subset.js";
import type { ImageExaminer, ToExamine } from "./examine/types.js";

/** Encoded images that are to be examined. */
export interface EncodedImages extends ToExamine {
  readonly labels: Labels;
  /** sha256 by which runs know them. */
  readonly sha256: string;
}

/** Decodes all images. */
export async function wholeImages(
  { labels, sha256: sum, ...images }: EncodedImages,
  examiner: ImageExaminer,
): Promise<WholeFile> {
  const found = await examiner.examine(images);
  const named = found.map((each, i) => ({ ...each, name: images.names[i] as string }));
  return {
    ...{ labels, sha256: sum },
    bytes: found.reduce((sum, { bytes }) => sum + bytes, 0),
    digests: found.flatMap((each, i) =>
      each.sha256 === undefined ? [] : [sha256(`${labels[i]} ${each.sha256}`)],
    ),
    problems: found.flatMap(({ problem = [] }) => problem),
    damaged: named.flatMap(({ problem, name }) => (problem === undefined ? [] : [name])),
    warnings: named.flatMap(({ warning, name }) =>
      warning === undefined ? [] : [`The image ${name} is used as it decodes: ${warning}.`],
    ),
  };
}
