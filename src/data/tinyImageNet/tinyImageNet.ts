import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { nativeBackend } from "../../runtime/native.js";
import type { Rotation } from "../augmentation.js";
import type { PartName } from "../binary/records.js";
import { md5OfFile, sha256Of } from "../checksums.js";
import type {
  Dataset,
  DatasetLimits,
  DatasetRow,
  ImageFile,
  ImageFormat,
  ImagesInMemory,
  Soon,
  SyntheticOptions,
  TestImages,
} from "../dataset.js";
import { examine } from "../examine.js";
import { byName } from "../folder/listing.js";
import { valuesOf } from "../hostBatch.js";
import type { ImageExaminer } from "../images/examine/types.js";
import { openImageReader, pixelsOfSize, wholeImages } from "../images/reader.js";
import { checkLimit, takenImages, type Wanted } from "../limits.js";
import { refuseUnknown, type SkipList } from "../skipList.js";
import { classNames } from "../synthetic/patterns.js";
import { drawImages, linesOf, pngOf, writeSynthetic } from "../synthetic/write.js";
import { CLASSES_FILE, FOLDER, openTree, type Tree, ZIP_FILE } from "./tree.js";

type Half = { readonly names: readonly string[]; readonly labels: Uint8Array };

const MOST_CLASSES = 256;

const ANNOTATIONS = "val/val_annotations.txt";
const WORDS = "words.txt";

/** The lines of a text file. @throws inputError for a file that is not there or is damaged */
const linesIn = (tree: Tree, name: string): string[] =>
  Buffer.from(tree.read(name))
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");

/** The columns of a table; none where it is not there. */
function rowsIn(tree: Tree, name: string): string[][] {
  try {
    return linesIn(tree, name).map((line) => line.split("\t"));
  } catch {
    return [];
  }
}

/** The classes' wnids, sorted by name, as torchvision's ImageFolder numbers the folders of training images. */
function wnidsOf(tree: Tree): string[] {
  const wnids = [...new Set(linesIn(tree, CLASSES_FILE))].sort(byName);
  if (wnids.length > 0 && wnids.length <= MOST_CLASSES) return wnids;
  throw inputError(`${CLASSES_FILE} in ${tree.place} names ${wnids.length} classes, expected 200.`);
}

function wordsOf(tree: Tree): readonly string[] {
  const wnids = wnidsOf(tree);
  const words = new Map(rowsIn(tree, WORDS) as [string, string][]);
  return wnids.map((wnid) => words.get(wnid) || wnid);
}

/** Published are JPEGs; synthetic images are PNGs. */
const IMAGE = /\.(jpe?g|png)$/i;

/** The wnid that each path has among its folders; val's annotations have those without one. */
function wnidsByPath(tree: Tree, names: readonly string[]): (string | undefined)[] {
  const told = new Map(rowsIn(tree, ANNOTATIONS).map(([file = "", wnid = ""]) => [file, wnid]));
  return names.map((name) => {
    const [, folder = "", ...rest] = name.split("/");
    const file = rest.at(-1) ?? folder;
    return folder === "images" || rest.length === 0 ? told.get(file) : folder;
  });
}

/** Images of a split; val_annotations.txt, or folders, have the classes of validation images. */
function halfOf(tree: Tree, part: PartName): Half {
  const folder = part === "train" ? "train/" : "val/";
  const names = tree.names.filter((name) => name.startsWith(folder) && IMAGE.test(name)).sort(byName);
  const wnids = wnidsOf(tree);
  const labelOf = new Map(wnids.map((wnid, label) => [wnid, label]));
  const labels = Uint8Array.from(wnidsByPath(tree, names), (wnid, i) => {
    const label = wnid === undefined ? undefined : labelOf.get(wnid);
    if (label !== undefined) return label;
    throw inputError(
      wnid === undefined
        ? `${ANNOTATIONS} in ${tree.place} does not list the class of ${names[i]}.`
        : `${names[i]} in ${tree.place} has the class ${wnid}, which is not in ${CLASSES_FILE}.`,
      "Use the published archive; `pefd data fetch tiny-imagenet` downloads it.",
    );
  });
  const missing = wnids.findIndex((_, label) => !labels.includes(label));
  if (missing < 0) return { names, labels };
  throw inputError(`${tree.place} has no image of class ${wnids[missing]} in ${folder}.`);
}

const [SIDE, CLASSES] = [64, 200];

const wnidOf = (label: number): string => `n${String(label + 1).padStart(8, "0")}`;

/** Writes synthetic images in Tiny-ImageNet's layout, as PNG. @throws inputError and runError as writeSynthetic does */
export const synthesize = (directory: string, options: SyntheticOptions): Promise<void> =>
  writeSynthetic(directory, options, { side: SIDE, most: CLASSES }, (set) => {
    const images: [string, Uint8Array][] = [];
    drawImages(set, "train", (planes, label, index) => {
      const name = `${wnidOf(label)}_${index}.png`;
      images.push([`train/${wnidOf(label)}/images/${name}`, pngOf(planes, SIDE)]);
    });
    const annotations: string[] = [];
    drawImages(set, "test", (planes, label, index) => {
      images.push([`val/images/val_${index}.png`, pngOf(planes, SIDE)]);
      annotations.push([`val_${index}.png`, wnidOf(label), 0, 0, SIDE - 1, SIDE - 1].join("\t"));
    });
    const wnids = Array.from({ length: set.classes }, (_, label) => wnidOf(label));
    const words = classNames(set.classes).map((name, label) => `${wnidOf(label)}\t${name}`);
    return new Map([
      ...images,
      ["val/val_annotations.txt", linesOf(annotations)],
      ["words.txt", linesOf(words)],
      [CLASSES_FILE, linesOf(wnids)],
    ]);
  });

type Encoded = { readonly names: readonly string[]; readonly files: readonly Uint8Array[] };

/** Images decoded to [n, height, width, 3] bytes; TensorFlow must be loaded. @throws runError for an unusable image */
function decodeAll({ names, files }: Encoded, format: ImageFormat): Uint8Array {
  const reader = openImageReader(nativeBackend().binding);
  const size = format.height * format.width * 3;
  const images = new Uint8Array(files.length * size);
  for (const [i, file] of files.entries()) {
    images.set(pixelsOfSize(reader, names[i] as string, file, format).bytes, i * size);
  }
  return images;
}

type Format = ImageFormat & { readonly augmentation: Rotation };

type ReadHalf = Half & { readonly files: readonly Uint8Array[]; readonly file: ImageFile };

function readHalf(tree: Tree, part: PartName): ReadHalf {
  const half = halfOf(tree, part);
  const files = half.names.map((name) => tree.read(name));
  const sha256 = sha256Of([half.labels, ...files]);
  return { ...half, files, file: { images: files.length, sha256 } };
}

const taken = <Item>(items: readonly Item[], chosen?: Int32Array): readonly Item[] =>
  chosen === undefined ? items : Array.from(chosen, (index) => items[index] as Item);

/** Pixels of some images. @param all [n, size] */
const pixelsAt = (all: Uint8Array, images: readonly number[], size: number): Uint8Array =>
  Buffer.concat(images.map((image) => all.subarray(image * size, (image + 1) * size)));

/** Images that are decoded when they are looked at for the first time: until then TensorFlow need not be loaded. */
function imagesOf(place: string, half: ReadHalf, part: PartName, format: Format, wanted: Wanted): ImagesInMemory {
  const chosen = takenImages(half, place, part, wanted);
  const names = taken(half.names, chosen);
  let encoded: Encoded | undefined = {
    names: names.map((name) => join(place, name)),
    files: taken(half.files, chosen),
  };
  let decoded = new Uint8Array(0);
  const labels = Uint8Array.from(taken([...half.labels], chosen));
  return {
    kind: "memory",
    ...format,
    labels,
    count: labels.length,
    ...(chosen !== undefined && { positions: chosen }),
    get images() {
      if (encoded !== undefined) decoded = decodeAll(encoded, format) as Uint8Array<ArrayBuffer>;
      encoded = undefined;
      return decoded;
    },
    names,
    some(images) {
      if (encoded === undefined) return pixelsAt(decoded, images, valuesOf(format));
      const { names: paths, files } = encoded;
      const chosen = Int32Array.from(images);
      return decodeAll({ names: taken(paths, chosen), files: taken(files, chosen) }, format);
    },
  };
}

async function withTree<Result>(path: string, use: (tree: Tree) => Soon<Result>): Promise<Result> {
  const tree = await openTree(path);
  try {
    return await use(tree);
  } finally {
    tree.close();
  }
}

/** Functions of a row with such a data set. @param is its name @param md5 of the published archive */
function tinyReaders(is: string, format: Format, md5: string) {
  const isPublished = async (place: string) => place.endsWith(".zip") && (await md5OfFile(place)) === md5;
  const images = (tree: Tree, part: PartName, wanted: Wanted) => {
    checkLimit(wanted.limit, part);
    const half = readHalf(tree, part);
    const { names, file } = half;
    return { names, file, set: imagesOf(tree.place, half, part, format, wanted) };
  };
  const task = (tree: Tree) => ({ name: is, numClasses: wnidsOf(tree).length });
  return {
    open: (path: string, { limitTrain, limitTest, skip }: DatasetLimits = {}): Promise<Dataset> =>
      withTree(path, (tree) => {
        const train = images(tree, "train", { limit: limitTrain, skip });
        const test = images(tree, "test", { limit: limitTest, skip });
        if (skip) refuseUnknown(skip, [...train.names, ...test.names]);
        return { ...task(tree), train: train.set, test: test.set, trainFile: train.file, testFile: test.file };
      }),
    openTest: (path: string, limit?: number, skip?: SkipList): Promise<TestImages> =>
      withTree(path, (tree) => ({ ...task(tree), test: images(tree, "test", { limit, skip }).set })),
    files: (path: string) =>
      withTree(path, (tree) => ({ trainFile: readHalf(tree, "train").file, testFile: readHalf(tree, "test").file })),
    verify: (path: string, examiner: ImageExaminer) =>
      withTree(path, async (tree) => {
        const official = await isPublished(tree.place);
        return examine({
          directory: tree.place,
          train: ["train"],
          test: ["test"],
          called: { train: "the training images", test: "the validation images" },
          read(part) {
            const { names, labels, files, file } = readHalf(tree, part as PartName);
            const { height, width } = format;
            const images = { names, source: { files }, size: { height, width } };
            return wholeImages({ ...images, labels, sha256: file.sha256 }, examiner);
          },
          isOfficial: () => official,
        });
      }),
    classes: (path: string) => withTree(path, (tree) => wnidsOf(tree).length),
  };
}

const NAME = "tiny-imagenet";
const MD5 = "90528d7ca1a48142e341f4ef8d21d0de";

/** Turned and flipped as mdistiller has it (RandomRotation(20)), whose mean and deviation these are. */
const FORMAT = {
  height: 64,
  width: 64,
  channels: 3,
  normalization: { mean: [0.4802, 0.4481, 0.3975], deviation: [0.2302, 0.2265, 0.2262] },
  augmentation: { kind: "rotation", degrees: 20 },
} as const satisfies ImageFormat;

/** Tiny-ImageNet (Stanford's CS231n): 200 classes of ImageNet, 64x64; its validation images are the test images. */
export const TINY_IMAGENET = {
  name: NAME,
  title: "Tiny-ImageNet",
  format: FORMAT,
  evaluation: "as is" as const,
  defaults: { data: "data/tiny-imagenet-200" },
  archive: {
    url: "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
    md5: MD5,
    folder: FOLDER,
    members: [],
    keptAs: ZIP_FILE,
  },
  ...tinyReaders(NAME, FORMAT, MD5),
  classNames: (path) => withTree(path, wordsOf),
  synthesize,
} satisfies DatasetRow;
