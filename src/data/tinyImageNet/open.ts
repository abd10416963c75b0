import { join } from "node:path";
import type { Rotation } from "../augmentation.js";
import type { PartName } from "../binary/part.js";
import { md5OfFile, sha256Of } from "../checksums.js";
import type {
  Dataset,
  DatasetLimits,
  ImageFile,
  ImageFormat,
  ImagesInMemory,
  Soon,
  TestImages,
} from "../dataset.js";
import { examine, readAhead } from "../examine.js";
import { valuesOf } from "../hostBatch.js";
import type { ImageExaminer } from "../images/examine/types.js";
import { wholeImages } from "../images/wholeImages.js";
import { checkLimit, takenImages, type Wanted } from "../limits.js";
import { refuseUnknown, type SkipList } from "../skipList.js";
import { decodeAll, type Encoded } from "./decode.js";
import { type Half, halfOf, wnidsOf } from "./layout.js";
import { openTree, type Tree } from "./tree.js";

/** What Tiny-ImageNet's images are like, as its row says it. */
type Format = ImageFormat & { readonly augmentation: Rotation };

/** A half that was read, encoded. */
interface ReadHalf extends Half {
  readonly files: readonly Uint8Array[];
  readonly file: ImageFile;
}

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
function imagesOf(
  place: string,
  half: ReadHalf,
  part: PartName,
  format: Format,
  wanted: Wanted,
): ImagesInMemory {
  const chosen = takenImages(half, place, part, wanted);
  const names = taken(half.names, chosen);
  let encoded: Encoded | undefined = {
    names: names.map((name) => join(place, name)),
    files: taken(half.files, chosen),
  };
  let decoded = new Uint8Array(0);
  const labels = Uint8Array.from(taken([...half.labels], chosen));
  return {
    ...{ kind: "memory", ...format, labels, count: labels.length },
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

/** Opens Tiny-ImageNet, reads what is asked of it, and closes it. @throws inputError for a folder that is not it */
export async function withTree<Result>(
  path: string,
  use: (tree: Tree) => Soon<Result>,
): Promise<Result> {
  const tree = await openTree(path);
  try {
    return await use(tree);
  } finally {
    tree.close();
  }
}

/** What a row does with such a data set. @param is its name @param md5 of the published archive */
export function tinyReaders(is: string, format: Format, md5: string) {
  const isPublished = async (place: string) =>
    place.endsWith(".zip") && (await md5OfFile(place)) === md5;
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
        return {
          ...{ ...task(tree), train: train.set, test: test.set },
          ...{ trainFile: train.file, testFile: test.file },
        };
      }),
    openTest: (path: string, limit?: number, skip?: SkipList): Promise<TestImages> =>
      withTree(path, (tree) => ({
        ...task(tree),
        test: images(tree, "test", { limit, skip }).set,
      })),
    files: (path: string) =>
      withTree(path, (tree) => ({
        trainFile: readHalf(tree, "train").file,
        testFile: readHalf(tree, "test").file,
      })),
    verify: (path: string, examiner: ImageExaminer) =>
      withTree(path, async (tree) => {
        const official = await isPublished(tree.place);
        return examine({
          ...{ directory: tree.place, train: ["train"], test: ["test"] },
          called: { train: "the training images", test: "the validation images" },
          read: await readAhead(["train", "test"], async (part) => {
            const { names, labels, files, file } = readHalf(tree, part as PartName);
            const { height, width } = format;
            const images = { names, source: { files }, size: { height, width } };
            return wholeImages({ ...images, labels, sha256: file.sha256 }, examiner);
          }),
          isOfficial: () => official,
        });
      }),
    classes: (path: string) => withTree(path, (tree) => wnidsOf(tree).length),
  };
}
