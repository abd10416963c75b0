import { parseBoundedJson } from "../../common/boundedJson.js";
import { inputError } from "../../common/errors.js";
import { type ReadMember, type TarMember, visitTar } from "../archive/tarMembers.js";
import { isImage } from "../folder/listing.js";
import type { FilePart } from "../images/places.js";

/** One image of a shard. */
export interface ShardSample {
  /** As its .json calls it, or its place in the shard. */
  readonly name: string;
  readonly label: number;
  readonly part: FilePart;
}

/** Labels of two bytes. */
const MOST_LABEL = 65_535;
const MOST_DIGITS = 16;

/** Of a .json; a larger one is not looked into. */
const MOST_JSON = 2 ** 16;

/** WebDataset's rule: files of one sample are called alike up to the first dot behind the folder, and differ in the rest. */
const FILE = /^((?:.*\/)?[^./][^./]*)\.([^/]+)$/;

/** The files of one sample as they were met. */
interface Open {
  readonly key: string;
  readonly images: TarMember[];
  label?: number;
  name?: string;
}

/** A name that can stand in a line of its own. */
const NAME = /^[^\p{Cc}]{1,1000}$/u;

/** What a .json calls its image: its `filename`; undefined where it does not say. */
function filenameIn(text: string): string | undefined {
  try {
    const { filename } = Object(parseBoundedJson(text)) as { filename?: unknown };
    return typeof filename === "string" && NAME.test(filename) ? filename : undefined;
  } catch {
    return undefined;
  }
}

const what = (shard: string, key: string): string => `The sample ${key} in ${shard}`;

function labelIn(text: string, shard: string, key: string): number {
  const label = /^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN;
  if (label <= MOST_LABEL) return label;
  throw inputError(
    `${what(shard, key)} has a .cls that is no number of a class from 0 to ${MOST_LABEL}.`,
  );
}

/** @throws inputError for a sample that lacks something */
function closed({ key, images, label, name }: Open, path: string, shard: string): ShardSample {
  const [image, second] = images;
  if (image === undefined) {
    throw inputError(
      `${what(path, key)} holds no JPEG, PNG, BMP or WebP image.`,
      "A sample is KEY.jpg (or png, bmp, webp), KEY.cls and, if need be, KEY.json.",
    );
  }
  if (second !== undefined) {
    throw inputError(
      `${what(path, key)} holds two images, ${image.name} and ${second.name}.`,
      "Samples of one image each are read.",
    );
  }
  if (label === undefined) {
    throw inputError(
      `${what(path, key)} has no ${key}.cls, which tells the class of ${image.name}.`,
      "A sample is KEY.jpg and KEY.cls, which holds the number of the class, from 0.",
    );
  }
  const { offset, length } = image;
  return { name: name ?? `${shard}/${image.name}`, label, part: { file: shard, offset, length } };
}

/** Takes what a file tells of its sample. */
function add(open: Open, ending: string, member: TarMember, read: ReadMember, path: string): void {
  if (ending === "cls") {
    const text = read({ ...member, length: Math.min(member.length, MOST_DIGITS) });
    open.label = labelIn(text.toString("latin1"), path, open.key);
  } else if (ending === "json") {
    const name = member.length > MOST_JSON ? undefined : filenameIn(read(member).toString("utf8"));
    if (name !== undefined) open.name = name;
  } else if (isImage(member.name)) open.images.push(member);
}

/**
 * The samples of a shard in WebDataset's form, by the headers of its files; images are not read.
 * @param path of the shard @param shard its name below the data folder
 * @throws inputError for a shard that is damaged, or whose samples lack an image or its class
 */
export function samplesOf(path: string, shard: string): ShardSample[] {
  const samples: ShardSample[] = [];
  let open: Open | undefined;
  const close = () => {
    if (open !== undefined) samples.push(closed(open, path, shard));
  };
  visitTar(path, (member, read) => {
    const [, key, ending] = FILE.exec(member.name) ?? [];
    // Files that begin with two lines are of the shard, not of a sample.
    if (key === undefined || ending === undefined || key.startsWith("__")) return;
    if (open?.key !== key) {
      close();
      open = { key, images: [] };
    }
    add(open, ending.toLowerCase(), member, read, path);
  });
  close();
  if (samples.length > 0) return samples;
  throw inputError(
    `${path} holds no samples.`,
    "A shard in WebDataset's form holds KEY.jpg and KEY.cls for each image.",
  );
}
