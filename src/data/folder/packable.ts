import { inputError } from "../../common/errors.js";
import type { PartName } from "../binary/part.js";
import type { PackableHalf, PackableSet } from "../dataset.js";
import { refuseUnknown, type SkipList } from "../skipList.js";
import { namesOf as imageNames, type ListedImage, labelsOf } from "./imageList.js";
import { placesOf } from "./images.js";
import type { Listing } from "./listing.js";

/**
 * What is packed of listed images.
 * @param listings of the halves that are there
 * @param namesOf what classes are called, by their folders
 * @param skip images that are left out
 * @throws inputError for a list that names what is not there, or leaves no image of a half
 */
export function packableSet(
  directory: string,
  listings: ReadonlyMap<PartName, Listing>,
  namesOf: (classes: readonly string[]) => readonly string[],
  skip?: SkipList,
): PackableSet {
  const all = [...listings.values()];
  if (skip)
    refuseUnknown(
      skip,
      all.flatMap(({ images }) => [...imageNames(images)]),
    );
  const isKept = ({ name }: ListedImage): boolean => skip?.names.has(name) !== true;
  const half = ([part, listing]: readonly [PartName, Listing]): [PartName, PackableHalf] => {
    const images = [...listing.images].filter(isKept);
    if (images.length === 0) throw inputError(`${skip?.file} leaves no image of ${directory}.`);
    const names = images.map(({ name }) => name);
    return [part, { names, labels: labelsOf(images), places: placesOf(directory, images) }];
  };
  const { classes, reencoded } = all[0] as Listing;
  return {
    ...{ classes, classNames: namesOf(classes) },
    ...(reencoded !== undefined && { reencoded }),
    halves: Object.fromEntries([...listings].map(half)),
  };
}
