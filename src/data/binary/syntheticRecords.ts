import { drawImages, type SyntheticSet } from "../synthetic/write.js";
import { type PartName, type RecordKind, recordBytes } from "./records.js";

/** A file of synthetic records, [count * recordBytes(kind)]. @param labelsOf the label bytes of a class */
export function syntheticRecords(
  set: SyntheticSet,
  part: PartName,
  kind: RecordKind,
  labelsOf: (label: number) => readonly number[],
): Uint8Array {
  const size = recordBytes(kind);
  const records = new Uint8Array(set[part] * size);
  drawImages(set, part, (planes, label, index) => {
    records.set(labelsOf(label), index * size);
    records.set(planes, index * size + kind.labels.length);
  });
  return records;
}
