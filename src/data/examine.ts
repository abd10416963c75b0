import { PefdError } from "../common/errors.js";
import { sha256 } from "./checksums.js";
import type { FileReport, Soon, VerifyReport } from "./dataset.js";
import type { Labels } from "./sampler.js";

export interface WholeFile {
  readonly bytes: number;
  readonly labels: Labels;
  readonly sha256: string;
  /** sha256 of each record: of an image with its label. */
  readonly digests: readonly string[];
  /** Sentences on what is wrong although it can be read. */
  readonly problems: readonly string[];
  readonly damaged?: readonly string[];
  readonly warnings?: readonly string[];
}

export interface Examination {
  readonly directory: string;
  readonly train: readonly string[];
  readonly test: readonly string[];
  readonly called: { readonly train: string; readonly test: string };
  /** @throws inputError for a file that cannot be read */
  read(file: string): Soon<WholeFile>;
  isOfficial(files: readonly FileReport[]): boolean | undefined;
}

type Examined = { readonly file: string; readonly whole?: WholeFile; readonly problems: readonly string[] };

/** Examines the files of a data folder one after another; one that is wrong is reported, not thrown. */
export async function examine(examination: Examination): Promise<VerifyReport> {
  const { directory, called } = examination;
  const look = async (file: string): Promise<Examined> => {
    try {
      const whole = await examination.read(file);
      return { file, whole, problems: whole.problems };
    } catch (error) {
      if (!(error instanceof PefdError) || error.exitCode === 3) throw error; // of the machine, not of the data
      return { file, problems: [error.message] };
    }
  };
  const halves: Examined[][] = [];
  for (const files of [examination.train, examination.test]) {
    const half: Examined[] = [];
    for (const file of files) half.push(await look(file));
    halves.push(half);
  }
  const examined = halves.flat();
  const files = examined.flatMap(({ file, whole }) => (whole ? [describe(file, whole)] : []));
  const isWhole = files.length === examined.length;
  const [train = [], test = []] = halves.map((half) => half.flatMap(({ whole }) => whole?.digests ?? []));
  const known = new Set(train);
  const sharedRecords = test.filter((digest) => known.has(digest)).length;
  return {
    directory,
    files,
    sharedRecords,
    damaged: examined.flatMap(({ whole }) => whole?.damaged ?? []),
    warnings: examined.flatMap(({ whole }) => whole?.warnings ?? []),
    balanced: isWhole && halves.every(isBalanced),
    official: isWhole && examination.isOfficial(files),
    problems: [...examined.flatMap(({ problems }) => problems), ...leak(sharedRecords, test.length, called)],
  };
}

function leak(shared: number, tests: number, { train, test }: Examination["called"]): string[] {
  if (shared === 0 || shared * 2 < tests) return [];
  return [
    `${shared} of the ${tests} images of ${test} are in ${train} as well, ` +
      "so test results would be training results.",
  ];
}

function perClass(files: readonly WholeFile[]): number[] {
  const counts = new Map<number, number>();
  for (const { labels } of files) for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts.values()];
}

function isBalanced(half: readonly Examined[]): boolean {
  const counts = perClass(half.flatMap(({ whole }) => whole ?? []));
  return new Set(counts).size <= 1;
}

function describe(file: string, whole: WholeFile): FileReport {
  const { bytes, labels, digests } = whole;
  const present = perClass([whole]);
  return {
    file,
    bytes,
    records: labels.length,
    sha256: whole.sha256,
    contentSha256: sha256(digests.toSorted().join("\n")),
    classes: present.length,
    fewestPerClass: Math.min(...present),
    mostPerClass: Math.max(...present),
  };
}
