import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { environmentError } from "../../common/errors.js";
import { makeFolder, writeFileAtomic } from "../../common/files/atomicFile.js";
import { createRandom } from "../../common/random.js";
import { compile } from "../../compile/program.js";
import type { EngineName, PrecisionName } from "../../compile/types.js";
import { pluginsSha256, usedPlugins } from "../../config/record.js";
import { type Augmentation, variantsOf } from "../../data/augmentation.js";
import { type Dataset, type ImageFormat, type ImageShape, inMemory } from "../../data/dataset.js";
import { assembleTrainBatch, valuesOf } from "../../data/hostBatch.js";
import { PLAN_COLUMNS } from "../../data/sampler.js";
import type { Method } from "../../distill/method.js";
import { isKeptView, KEPT_VIEWS, type KeptView, ofEach, type TeacherView } from "../../distill/views.js";
import type { FrozenModel } from "../../learn/learners.js";
import type { RunReporter } from "../../report/log/contract.js";
import { isGpu } from "../../runtime/device.js";
import { tensorFlowVersion } from "../../runtime/native.js";
import { kernelSet } from "../../runtime/ownOps.js";
import { type Tensor4D, tf, type Variable } from "../../runtime/tf.js";
import type { EngineChoice } from "../engine.js";
import { type Guide, guidedSource } from "../guidedSource.js";
import type { OpenedModel } from "../openModel.js";
import type { BatchSource } from "../source.js";
import { changingOutputs, diskBytes, growth, tooLarge } from "./demand.js";
import { type CacheTally, createLookup, entriesOf, type Lookup } from "./lookup.js";
import { type OutputSizes, type Outputs, openStore, rowOf, type Store, sizesOf, spaceOf } from "./store.js";

interface TeacherProgram {
  /** All outputs. @param images [batchSize, height, width, 3], normalised */
  run(images: Float32Array): Outputs;
  dispose(): void;
}

type Arithmetic = { readonly engine: EngineName; readonly precision: PrecisionName; readonly batchSize: number };

/** Above 1, so that XLA compiles its loop; calls take one. */
const STEPS_PER_CALL = 2;
const ALL_OUTPUTS = Object.keys(KEPT_VIEWS) as KeptView[];

/** Compiles a frozen teacher like the training, with all outputs: the same program for every method. */
export function compileTeacher(
  { model, variables }: FrozenModel,
  { engine, precision, batchSize }: Arithmetic,
  { height, width, channels }: ImageShape,
): TeacherProgram {
  const results = new Map(
    Array.from(sizesOf(model, ALL_OUTPUTS), ([name, size]): [KeptView, Variable] => [
      name,
      tf.tidy(() => tf.variable(tf.zeros([batchSize, size]), false)),
    ]),
  );
  const program = compile(engine, {
    name: `${model.name}_outputs`,
    precision,
    entries: {
      outputs: {
        step: ({ images }) => {
          const output = model.forward(images as Tensor4D, { training: false, updates: [] });
          return Array.from(results, ([name, result]) => [result, output[name]]);
        },
        perStep: { images: { shape: [batchSize, height, width, channels], dtype: "float32" } },
        shared: {},
        stepsPerCall: STEPS_PER_CALL,
      },
    },
    variables: { constants: variables, results: [...results.values()] },
  });
  for (const group of ["constants", "results"]) program.push(group);
  return {
    run(images) {
      program.run("outputs", { images }, 1);
      program.pull("results");
      return new Map(Array.from(results, ([name, result]) => [name, result.dataSync() as Float32Array]));
    },
    dispose() {
      program.dispose();
      tf.dispose([...results.values()]);
    },
  };
}

/** Outputs for a full batch of one image of noise. */
interface Probe {
  /** Whether all rows are bit-identical. */
  readonly isPlaceFree: boolean;
  /** sha256 of all outputs, which depend on teacher, library, CPU and program. */
  readonly fingerprint: string;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

/**
 * Tests whether an image's index in the batch changes rounding: matrix products are tiled, and the last tile may have
 * another reduction order, depending on model, batch size and CPU.
 * @param imageValues of one image
 */
export function probeTeacher(
  teacher: TeacherProgram,
  sizes: OutputSizes,
  batchSize: number,
  imageValues: number,
): Probe {
  const random = createRandom(0, "teacher cache probe");
  const image = Float32Array.from({ length: imageValues }, () => random.normal());
  const images = new Float32Array(batchSize * imageValues);
  for (let i = 0; i < batchSize; i++) images.set(image, i * imageValues);
  const outputs = teacher.run(images);
  const hash = createHash("sha256");
  for (const values of outputs.values()) hash.update(bytesOf(values));
  return { isPlaceFree: isPlaceFree(outputs, sizes, batchSize), fingerprint: hash.digest("hex") };
}

function isPlaceFree(outputs: Outputs, sizes: OutputSizes, batchSize: number): boolean {
  const rows = Array.from({ length: batchSize }, (_, row) => row);
  return Array.from(sizes).every(([name, size]) => {
    const values = outputs.get(name) as Float32Array;
    const first = bytesOf(rowOf(values, size, 0));
    return rows.every((row) => first.equals(bytesOf(rowOf(values, size, row))));
  });
}

/** What is known of one teacher's outputs. */
type Known = { readonly lookup: Lookup; readonly sizes: OutputSizes };

/** Full batches get the teachers' outputs; partial ones compute them, as bits may depend on the batch size. */
const guideOf = (all: readonly Known[], batchSize: number): Guide => ({
  sizes: ofEach(all.map((one) => Object.fromEntries(one.sizes))),
  teachers: all.length,
  covers: (images) => images % batchSize === 0,
  outputs(rows, upcoming) {
    // Not for the partial batch.
    const short = upcoming.length % (batchSize * PLAN_COLUMNS);
    const ahead = upcoming.subarray(0, upcoming.length - short);
    return ofEach(all.map(({ lookup }) => Object.fromEntries(lookup.outputs(rows, ahead))));
  },
});

/** Raised when files change meaning or the key lacked something. */
const FORMAT = 2;
const KEY_FILE = "key.json";
const NAME_DIGITS = 16;

export interface CacheKey {
  readonly model: string;
  readonly weightsSha256: string;
  /** Of the whole training file, by which entries are numbered. */
  readonly imagesSha256: string;
  /** The augmentation numbers variants. */
  readonly images: ImageFormat;
  /** Of plug-ins with the teacher or data set. */
  readonly pluginsSha256?: string | undefined;
  readonly engine: string;
  readonly precision: string;
  readonly batchSize: number;
  readonly device: string;
  readonly tensorflow: string;
  /** kernelSet of runtime/ownOps.ts. */
  readonly kernels: string | undefined;
  /** Of a probe; omitted where it varies between processes (a GPU). */
  readonly fingerprint?: string;
}

/** A key's folder, created with the key as text. @throws environmentError if it cannot be made */
export async function cacheFolder(cacheDirectory: string, key: CacheKey): Promise<string> {
  const text = `${JSON.stringify({ format: FORMAT, ...key }, undefined, 2)}\n`;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, NAME_DIGITS);
  const folder = join(cacheDirectory, "teacher", `${key.model}-${hash}`);
  try {
    makeFolder(folder);
    const path = join(folder, KEY_FILE);
    if (!existsSync(path)) await writeFileAtomic(path, text);
  } catch (error) {
    throw unusable(folder, error);
  }
  return folder;
}

const unusable = (folder: string, cause: unknown) =>
  environmentError(
    `The teacher's outputs cannot be kept in ${folder}: ${(cause as Error).message.replace(/\.$/, "")}.`,
    "Set PEFD_CACHE to a folder that can be written, or leave --teacher_cache out.",
  );

export interface CacheRequest {
  /** Each has a folder of its own. */
  readonly teachers: readonly OpenedModel[];
  readonly method: Pick<Method, "teacherMode" | "strongView">;
  readonly views: readonly TeacherView[];
  readonly dataset: Dataset;
  readonly choice: EngineChoice;
  readonly batchSize: number;
  /** Refuses outputs that could differ from the teacher's in their last bits. */
  readonly exact: boolean;
  readonly cacheDirectory: string;
  readonly reporter: Pick<RunReporter, "notice" | "warn">;
}

export type TeacherCache = { guide(source: BatchSource): BatchSource; tally(): CacheTally; close(): void };

const NOT_USED = "--teacher_cache is not used here:";

/** Augmentations without repeated variants. */
const ENDLESS: Readonly<Record<Augmentation["kind"], string>> = {
  shift: "shifts images",
  rotation: "turns images by random angles",
  "resized crop": "crops images at random sizes",
};

function uselessness(request: CacheRequest): string | undefined {
  const { teachers, method, views, dataset, batchSize, cacheDirectory } = request;
  const { augmentation, count } = dataset.train;
  const changing = changingOutputs(method, views);
  if (changing !== undefined) return changing;
  if (views.length === 0) return "the loss with these weights does not look at the teacher";
  const variants = variantsOf(augmentation);
  if (variants === undefined) {
    return `training ${ENDLESS[augmentation.kind]}, so that none of ${dataset.name} is ever seen twice`;
  }
  const bytes = teachers.reduce((sum, { model }) => sum + diskBytes(model, views, count * variants), 0);
  const large = tooLarge(views, bytes, spaceOf(cacheDirectory));
  if (large !== undefined) return large;
  if (count < batchSize) return "there is no whole batch";
  return undefined;
}

const inexactness = (batchSize: number): string =>
  `with batches of ${batchSize} an image's place in the batch changes the last bits of this teacher's outputs, ` +
  "which --deterministic forbids; another --batch_size may do";

/** Opens a cache, or notifies why it would be useless or inexact. @throws environmentError for an unwritable folder */
export async function openTeacherCache(request: CacheRequest): Promise<TeacherCache | undefined> {
  const { teachers, batchSize, reporter } = request;
  const useless = uselessness(request);
  if (useless !== undefined) {
    reporter.notice(`${NOT_USED} ${useless}.`);
    return undefined;
  }
  const opened: WorkingCache[] = [];
  const close = () => {
    for (const cache of opened) cache.close();
  };
  try {
    for (const teacher of teachers) {
      const cache = await openFor(teacher, request);
      if (cache === undefined) {
        close();
        return undefined;
      }
      opened.push(cache);
    }
  } catch (error) {
    close();
    throw error;
  }
  const sum = (count: (tally: CacheTally) => number) =>
    opened.reduce((all, { lookup }) => all + count(lookup.tally()), 0);
  return {
    guide: (source) => guidedSource(source, guideOf(opened, batchSize)),
    tally: () => ({ found: sum(({ found }) => found), computed: sum(({ computed }) => computed) }),
    close,
  };
}

/** One teacher's cache; undefined where it would be inexact, which is said. */
async function openFor(teacher: OpenedModel, request: CacheRequest): Promise<WorkingCache | undefined> {
  const { choice, batchSize, exact, reporter } = request;
  const sizes = sizesOf(teacher.model, request.views.filter(isKeptView));
  const program = compileTeacher(teacher, { ...choice, batchSize }, request.dataset.train);
  try {
    const probe = probeTeacher(program, sizes, batchSize, valuesOf(request.dataset.train));
    if (exact && !probe.isPlaceFree) {
      reporter.warn(`${NOT_USED} ${inexactness(batchSize)}.`);
      program.dispose();
      return undefined;
    }
    return workingCache(request, sizes, program, await openOnDisk(teacher, request, sizes, probe));
  } catch (error) {
    program.dispose();
    throw error;
  }
}

async function openOnDisk(
  teacher: OpenedModel,
  { dataset, choice, batchSize, cacheDirectory, reporter }: CacheRequest,
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

type WorkingCache = Known & { close(): void };

function workingCache(
  { dataset, batchSize }: CacheRequest,
  sizes: OutputSizes,
  program: TeacherProgram,
  store: Store,
): WorkingCache {
  const train = inMemory(dataset.train);
  const lookup = createLookup({
    store,
    sizes,
    batchSize,
    entryOf: entriesOf(train),
    compute: (rows) => program.run(assembleTrainBatch(train, rows).images),
  });
  return {
    lookup,
    sizes,
    close() {
      program.dispose();
      store.close();
    },
  };
}

/** Hits and misses, as a notice. */
export const tallyLine = ({ found, computed }: CacheTally): string =>
  `Teacher cache: outputs of ${found} images found, of ${computed} computed.`;
