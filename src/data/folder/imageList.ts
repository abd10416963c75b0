import { createNameList, type NameList } from "../images/nameList.js";
import type { FilePart } from "../images/places.js";

/** One image of a half: its path below the data folder, and its class. */
export interface ListedImage {
  readonly name: string;
  readonly label: number;
  /** Where it lies, in a shard; left out for a file of its own. */
  readonly part?: FilePart;
}

/** Images of a half, in order; an array is one, too. */
export interface ImageList extends Iterable<ListedImage> {
  readonly length: number;
  at(index: number): ListedImage | undefined;
  /** All names, where they lie as letters already. */
  readonly names?: NameList;
}

/** Images in files of their own, to which more are added. */
export interface GrowingList extends ImageList {
  add(names: readonly string[], label: number): void;
}

/** A list without images, to be added to. */
export function createImageList(): GrowingList {
  const names = createNameList();
  const labels: number[] = [];
  const imageAt = (index: number): ListedImage => ({
    name: names.at(index),
    label: labels[index] as number,
  });
  return {
    names,
    get length() {
      return labels.length;
    },
    at: (index) => (index < labels.length ? imageAt(index) : undefined),
    add(added, label) {
      for (const name of added) {
        names.add(name);
        labels.push(label);
      }
    },
    *[Symbol.iterator]() {
      for (let i = 0; i < labels.length; i++) yield imageAt(i);
    },
  };
}

/** The images that some indices name. */
export const imagesAt = (list: ImageList, indices: Int32Array): ImageList => ({
  length: indices.length,
  at: (index) => (index < indices.length ? list.at(indices[index] as number) : undefined),
  *[Symbol.iterator]() {
    for (const index of indices) yield list.at(index) as ListedImage;
  },
});

/** Their names, one after the other. */
export function* namesOf(list: ImageList): Generator<string> {
  for (const { name } of list) yield name;
}

/** The classes of listed images. */
export function labelsOf(list: ImageList): Uint16Array {
  const labels = new Uint16Array(list.length);
  let i = 0;
  for (const { label } of list) labels[i++] = label;
  return labels;
}
