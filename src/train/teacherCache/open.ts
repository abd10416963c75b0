import { pluginsSha256, usedPlugins } from "../../config/usedPlugins.js";
import { type Augmentation, variantsOf } from "../../data/augmentation.js";
import { type Dataset, inMemory } from "../../data/dataset.js";
import { assembleTrainBatch, valuesOf } from "../../data/hostBatch.js";
import type { Method } from "../../distill/method.js";
import { isKeptView, type TeacherView } from "../../distill/views.js";
import type { RunReporter } from "../../report/log/contract.js";
import { isGpu } from "../../runtime/device.js";
import { tensorFlowVersion } from "../../runtime/native.js";
import { kernelSet } from "../../runtime/ownOps.js";
import type { EngineChoice } from "../engine.js";
import type { BatchSource } from "../feeds/batchSource.js";
import type { OpenedModel } from "../openModel.js";
import { changingOutputs, diskBytes, growth, tooLarge } from "./demand.js";
import { entriesOf } from "./entries.js";
import { cacheFolder, unusable } from "./folder.js";
import { spaceOf } from "./freeSpace.js";
import { type CacheTally, createLookup } from "./lookup.js";
import { type OutputSizes, sizesOf } from "./outputs.js";
import { type Probe, probeTeacher } from "./probe.js";
import { guidedSource } from "./source.js";
import { openStore, type Store } from "./store.js";
import { compileTeacher, type TeacherProgram } from "./teacherProgram.js";

/** Whose outputs are kept, for which training. */
export interface CacheRequest {
  readonly teacher: OpenedModel;
  readonly method: Pick<Method, "teacherMode" | "strongView">;
  /** What the loss looks at. */
  readonly views: readonly TeacherView[];
  readonly dataset: Dataset;
  readonly choice: EngineChoice;
  readonly batchSize: number;
  /** Refuse outputs that could differ from the teacher's own in their last bits. */
  readonly exact: boolean;
  /** The user's cache folder. */
  readonly cacheDirectory: string;
  readonly reporter: Pick<RunReporter, "notice" | "warn">;
}

/** A teacher's outputs, kept on disk while a run goes on. */
export interface TeacherCache {
  /** The training images with the teacher's outputs beside them. */
  guide(source: BatchSource): BatchSource;
  tally(): CacheTally;
  close(): void;
}

const NOT_USED = "--teacher_cache is not used here:";

/** What training does to images that it never shows twice as the same. */
const ENDLESS: Readonly<Record<Augmentation["kind"], string>> = {
  shift: "shifts images",
  rotation: "turns images by random angles",
  "resized crop": "crops images at random sizes",
};

/** Why a cache would be of no use, or undefined. */
function uselessness(request: CacheRequest): string | undefined {
  const { teacher, method, views, dataset, batchSize, cacheDirectory } = request;
  const { augmentation, count } = dataset.train;
  const changing = changingOutputs(method, views);
  if (changing !== undefined) return changing;
  if (views.length === 0) return "the loss with these weights does not look at the teacher";
  const variants = variantsOf(augmentation);
  if (variants === undefined) {
    return `training ${ENDLESS[augmentation.kind]}, so that none of ${dataset.name} is ever seen twice`;
  }
  const bytes = diskBytes(teacher.model, views, count * variants);
  const large = tooLarge(views, bytes, spaceOf(cacheDirectory));
  if (large !== undefined) return large;
  if (count < batchSize) return "there is no whole batch";
  return undefined;
}

const inexactness = (batchSize: number): string =>
  `with batches of ${batchSize} an image's place in the batch changes the last bits of this teacher's outputs, ` +
  "which --deterministic forbids; another --batch_size may do";

/**
 * Opens the cache that a run asked for.
 * @returns undefined, once the reason is said, where it would be of no use or could not be exact
 * @throws environmentError when its folder cannot be made or written
 */
export async function openTeacherCache(request: CacheRequest): Promise<TeacherCache | undefined> {
  const { teacher, choice, batchSize, exact, reporter } = request;
  const useless = uselessness(request);
  if (useless !== undefined) {
    reporter.notice(`${NOT_USED} ${useless}.`);
    return undefined;
  }
  const sizes = sizesOf(teacher.model, request.views.filter(isKeptView));
  const program = compileTeacher(teacher, { ...choice, batchSize }, request.dataset.train);
  try {
    const probe = probeTeacher(program, sizes, batchSize, valuesOf(request.dataset.train));
    if (exact && !probe.isPlaceFree) {
      reporter.warn(`${NOT_USED} ${inexactness(batchSize)}.`);
      program.dispose();
      return undefined;
    }
    const store = await openOnDisk(request, sizes, probe);
    return workingCache(request, sizes, program, store);
  } catch (error) {
    program.dispose();
    throw error;
  }
}

async function openOnDisk(
  { teacher, dataset, choice, batchSize, cacheDirectory, reporter }: CacheRequest,
  sizes: OutputSizes,
  { fingerprint }: Probe,
): Promise<Store> {
  const { trainFile, train } = dataset;
  const { height, width, channels, normalization, augmentation } = train;
  const model = teacher.model.name;
  const folder = await cacheFolder(cacheDirectory, {
    model,
    weightsSha256: teacher.weightsSha256,
    imagesSha256: trainFile.sha256,
    images: { height, width, channels, normalization, augmentation },
    pluginsSha256: pluginsSha256(usedPlugins({ model_t: model, dataset: dataset.name })),
    ...choice,
    batchSize,
    tensorflow: tensorFlowVersion(),
    kernels: kernelSet(choice),
    ...(!isGpu() && { fingerprint }),
  });
  const variants = variantsOf(augmentation) ?? 0;
  const most = diskBytes(teacher.model, [...sizes.keys()], trainFile.images * variants);
  reporter.notice(`Teacher cache: ${folder} (${growth(most, spaceOf(folder))}).`);
  try {
    return openStore(folder, sizes, (reason) =>
      reporter.warn(`The teacher cache takes no more: ${reason}. What is in it is still used.`),
    );
  } catch (error) {
    throw unusable(folder, error);
  }
}

function workingCache(
  { dataset, batchSize }: CacheRequest,
  sizes: OutputSizes,
  program: TeacherProgram,
  store: Store,
): TeacherCache {
  const train = inMemory(dataset.train);
  const lookup = createLookup({
    ...{ store, sizes, batchSize, entryOf: entriesOf(train) },
    compute: (rows) => program.run(assembleTrainBatch(train, rows).images),
  });
  return {
    guide: (source) => guidedSource(source, lookup, sizes, batchSize),
    tally: lookup.tally,
    close() {
      program.dispose();
      store.close();
    },
  };
}

/** What a cache brought, in a line for people. */
export const tallyLine = ({ found, computed }: CacheTally): string =>
  `Teacher cache: outputs of ${found} images found, of ${computed} computed.`;
