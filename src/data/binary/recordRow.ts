import { join } from "node:path";
import type { Archive, DatasetRow, FileReport, SyntheticOptions } from "../dataset.js";
import { examine } from "../examine.js";
import { drawImages, linesOf, type SyntheticSet, writeSynthetic } from "../synthetic/write.js";
import { howToGet, howToPlace } from "./dataFile.js";
import { type MemorySource, memoryReaders } from "./inMemory.js";
import {
  namesFrom,
  type PartName,
  type RecordKind,
  readRecordPart,
  recordBytes,
  recordFilesAhead,
  recordsOf,
  wholeRecords,
} from "./records.js";

/** A data set in files of binary records, as CIFAR's author has them. */
interface RecordSet {
  readonly name: string;
  readonly title: string;
  readonly format: MemorySource["format"];
  readonly kind: RecordKind;
  /** File names, and what sentences call them together. */
  readonly train: readonly string[];
  readonly trainCalled: string;
  readonly test: string;
  /** Text files of names with their lines in synthetic sets: that of the classes comes first. */
  readonly names: readonly (readonly [file: string, lines: readonly string[]])[];
  readonly archive: Omit<Archive, "members">;
  readonly defaults: DatasetRow["defaults"];
  /** As commands of help have the name; omitted for the default data set. */
  readonly called?: string;
  isOfficial(directory: string, files: readonly FileReport[]): boolean;
  /** Checks of an examined file beyond those of reading. @returns sentences */
  problemsOf?(path: string, records: Uint8Array): readonly string[];
  /** Label bytes of a class. */
  labelsOf(label: number): readonly number[];
}

/** The row of a data set in files of binary records, one image each. */
export function recordRow(set: RecordSet) {
  const { name, title, format, kind, train, trainCalled, test, names, archive, defaults } = set;
  const files: Readonly<Record<PartName, readonly string[]>> = { train, test: [test] };
  const { classes } = kind.labels[kind.own] as RecordKind["labels"][number];
  const hint = howToGet(set.called);
  return {
    name,
    title,
    classes,
    format,
    evaluation: "as is" as const,
    defaults,
    archive: { ...archive, members: [...train, test, ...names.map(([file]) => file)] },
    ...memoryReaders({
      name,
      classes,
      format,
      archive,
      knownBy: test,
      contents: `${trainCalled} and ${test}`,
      hint: howToPlace(set.called),
      read: (directory, part, ahead) => readRecordPart(directory, { kind, hint, files: files[part] }, ahead),
    }),
    records: recordsOf(kind),
    filesAhead: (directory: string) => recordFilesAhead(directory, { kind, files: [...train, test] }),
    classNames: (directory: string) => namesFrom(join(directory, names[0]?.[0] ?? ""), classes),
    /** Training images are dealt to the files as evenly as their number allows. */
    synthesize: (directory: string, options: SyntheticOptions): Promise<void> =>
      writeSynthetic(directory, options, { side: kind.side, most: classes }, (synthetic) => {
        const records = (part: PartName) => syntheticRecords(synthetic, part, kind, set.labelsOf);
        const all = records("train");
        const size = all.length / synthetic.train;
        const cut = (file: number) => Math.floor((synthetic.train * file) / train.length) * size;
        return new Map([
          ...names.map(([file, lines]) => [file, linesOf(lines)] as const),
          ...train.map((file, i) => [file, all.subarray(cut(i), cut(i + 1))] as const),
          [test, records("test")] as const,
        ]);
      }),
    verify: (directory: string) =>
      examine({
        directory,
        train,
        test: [test],
        called: { train: trainCalled, test },
        read: (file) => wholeRecords(directory, file, { kind, hint }, set.problemsOf),
        isOfficial: (reports) => set.isOfficial(directory, reports),
      }),
  } satisfies DatasetRow;
}

/** A file of synthetic records, [count * recordBytes(kind)]. @param labelsOf the label bytes of a class */
function syntheticRecords(
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
