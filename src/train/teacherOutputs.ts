import { basename } from "node:path";
import { areNumbers, toFloat32 } from "../checkpoint/float.js";
import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { inputError, type PefdError } from "../common/errors.js";
import { ELEMENT_BYTES, type StateDict, type StateTensor } from "../common/stateDict.js";
import { counted } from "../common/text.js";
import { type Augmentation, cropOffsets, type Shift, shiftVariants } from "../data/augmentation.js";
import { sha256OfFile } from "../data/checksums.js";
import type { Dataset, ImageSet } from "../data/dataset.js";
import { PLAN_COLUMNS } from "../data/sampler.js";
import type { Method } from "../distill/method.js";
import { isKeptView, type TeacherView } from "../distill/views.js";
import { guidedSource } from "./guidedSource.js";
import type { BatchSource } from "./source.js";
import { changingOutputs } from "./teacherCache/demand.js";

/** A teacher that is known by its outputs for the training images only. */
export interface TeacherOutputs {
  /** Of the file. */
  readonly sha256: string;
  /** Length of its pooled vector; undefined where the file has none. */
  readonly pooled: number | undefined;
  /** Notices on what the file does not say. */
  readonly notices: readonly string[];
  guide(source: BatchSource): BatchSource;
}

interface OutputsRequest {
  readonly path: string;
  readonly dataset: Pick<Dataset, "name" | "numClasses" | "train" | "trainFile">;
  readonly method: Pick<Method, "name" | "teacherMode" | "strongView">;
  /** What the loss looks at. */
  readonly views: readonly TeacherView[];
}

const HOW = "docs/recipes.md says what the file has to hold; examples/dump-teacher.py writes one.";

/** One output of every image in every view. */
interface Table {
  readonly tensor: StateTensor;
  readonly views: number;
  readonly size: number;
}

/** The values of one view of one image, or of more images that follow. */
function valuesAt({ tensor, size }: Table, row: number, rows = 1): Float32Array {
  const bytes = size * ELEMENT_BYTES[tensor.dtype];
  const data = tensor.data.subarray(row * bytes, (row + rows) * bytes);
  return toFloat32({ ...tensor, shape: [rows, size], data });
}

/**
 * Opens a file of a teacher's outputs: `logits` [N, classes] or [views, N, classes], and optionally `pooled` [N, F]
 * or [views, N, F], `labels` [N], and `draws` [views, N, 3], the crop's y and x and the flip of each view; N is the
 * number of images in the training file, in its order.
 * @throws inputError for a file that does not fit the images or the method
 */
export async function openTeacherOutputs(request: OutputsRequest): Promise<TeacherOutputs> {
  const { path, dataset, views } = request;
  refuseOtherViews(request);
  const { state } = await readCheckpoint(path);
  const refuse = (what: string): PefdError => inputError(`${path} ${what}.`, HOW);
  const { images } = dataset.trainFile;
  const tables = new Map<string, Table>();
  for (const name of ["logits", "pooled"]) {
    const tensor = state.get(name);
    if (tensor !== undefined) tables.set(name, tableOf(name, tensor, images, refuse));
  }
  const [first, ...others] = tables.values();
  if (first === undefined) throw refuse("has neither logits nor pooled");
  if (others.some((table) => table.views !== first.views)) throw refuse("has other views of logits than of pooled");
  const classes = tables.get("logits")?.size ?? dataset.numClasses;
  if (classes !== dataset.numClasses) {
    throw refuse(`has ${classes} logits per image; ${dataset.name} has ${dataset.numClasses} classes`);
  }
  const missing = views.find((view) => !tables.has(view));
  if (missing !== undefined) throw refuse(`has no ${missing}, which ${request.method.name} looks at`);
  const positions = positionsOf(dataset.train);
  const isChecked = checkLabels(state, dataset, positions, refuse);
  const draws = drawsOf(state, first.views, dataset, refuse);
  return {
    sha256: sha256OfFile(path),
    pooled: tables.get("pooled")?.size,
    notices: noticesOf(path, isChecked, draws !== undefined),
    guide: (source) =>
      guidedSource(
        source,
        guideOf(views, tables, { positions, images, draws, augmentation: dataset.train.augmentation }),
      ),
  };
}

/** Logits and pooled vectors of the images as they are shown are all that such a file has. */
function refuseOtherViews({ method, views }: OutputsRequest): void {
  const other = views.filter((view) => !isKeptView(view));
  const why =
    other.length > 0
      ? `${method.name} looks at the teacher's ${other.join(", ")}`
      : changingOutputs(method, views)?.replace(/^the method/, method.name);
  if (why === undefined) return;
  throw inputError(
    `${why}; --teacher_outputs has logits and pooled vectors of the images.`,
    "Take a method that looks at these only, such as kd, dkd or ours.",
  );
}

type Refuse = (what: string) => PefdError;

function tableOf(name: string, tensor: StateTensor, images: number, refuse: Refuse): Table {
  const shape = tensor.shape.length === 2 ? [1, ...tensor.shape] : tensor.shape;
  const [views = 0, found = 0, size = 0] = shape;
  if (shape.length !== 3 || views === 0 || size === 0) {
    throw refuse(`has ${name} of shape [${tensor.shape.join(", ")}]; [images, values] or [views, images, values] fits`);
  }
  if (found !== images) throw refuse(`has ${name} of ${counted(found, "image")}; the training file has ${images}`);
  const table = { tensor, views, size };
  for (let view = 0; view < views; view++) {
    if (!areNumbers(valuesAt(table, view * images, images))) throw refuse(`has ${name} that are no finite numbers`);
  }
  return table;
}

const positionsOf = ({ positions, count }: ImageSet): Int32Array =>
  positions ?? Int32Array.from({ length: count }, (_, image) => image);

/** Whether there are labels, which have to be those of the training file in its order. */
function checkLabels(
  state: StateDict,
  { name, train, trainFile }: OutputsRequest["dataset"],
  positions: Int32Array,
  refuse: Refuse,
): boolean {
  const tensor = state.get("labels");
  if (tensor === undefined) return false;
  const labels = toFloat32(tensor);
  if (labels.length !== trainFile.images) {
    throw refuse(`has ${counted(labels.length, "label")}; the training file has ${trainFile.images}`);
  }
  const other = positions.findIndex((position, image) => labels[position] !== train.labels[image]);
  if (other < 0) return true;
  const at = positions[other] as number;
  throw refuse(
    `is in another order than ${name}: image ${at} has label ${labels[at]} there, and ${train.labels[other]} in the training file`,
  );
}

const DRAWS = 3;

/** Crop y, crop x and flip of each view of each image; undefined where the file has one view and no draws. */
function drawsOf(
  state: StateDict,
  views: number,
  { name, train, trainFile }: OutputsRequest["dataset"],
  refuse: Refuse,
): Int32Array | undefined {
  const { augmentation } = train;
  const tensor = state.get("draws");
  if (tensor === undefined) {
    if (views === 1) return undefined;
    throw refuse(`has ${views} views and no draws, so what each one shows is not known`);
  }
  const shift = shiftFor(augmentation, name, refuse);
  if (views > shiftVariants(shift))
    throw refuse(`has ${views} views; there are ${shiftVariants(shift)} ways to show an image`);
  const draws = toFloat32(tensor);
  if (tensor.shape.at(-1) !== DRAWS || draws.length !== views * trainFile.images * DRAWS) {
    const wanted = [views, trainFile.images, DRAWS].join(", ");
    throw refuse(`has draws of shape [${tensor.shape.join(", ")}] instead of [${wanted}]`);
  }
  const most = [cropOffsets(shift) - 1, cropOffsets(shift) - 1, 1];
  const isDraw = (value: number, i: number) =>
    Number.isInteger(value) && value >= 0 && value <= (most[i % DRAWS] as number);
  const wrong = draws.findIndex((value, i) => !isDraw(value, i));
  if (wrong >= 0) {
    throw refuse(`has the draw ${draws[wrong]}; crops start at 0 to ${most[0]}, and flips are 0 or 1`);
  }
  return Int32Array.from(draws);
}

function shiftFor(augmentation: Augmentation, dataset: string, refuse: Refuse): Shift {
  if (augmentation.kind === "shift") return augmentation;
  throw refuse(`has draws of crops, and training on ${dataset} has other augmentation`);
}

function noticesOf(path: string, isChecked: boolean, hasDraws: boolean): string[] {
  const file = basename(path);
  return [
    ...(isChecked ? [] : [`${file} has no labels, so the order of its images is not checked.`]),
    ...(hasDraws ? [] : [`${file} has no draws: its outputs are taken for every augmented view of an image.`]),
  ];
}

interface Shown {
  readonly positions: Int32Array;
  /** In the training file. */
  readonly images: number;
  readonly draws: Int32Array | undefined;
  readonly augmentation: Augmentation;
}

/** Outputs by sampler row: the crop and flip drawn for an image choose one of the file's views of it. */
function guideOf(
  views: readonly TeacherView[],
  tables: ReadonlyMap<string, Table>,
  { positions, images, draws, augmentation }: Shown,
) {
  const seen = views.map((view) => [view, tables.get(view) as Table] as const);
  const count = seen[0]?.[1].views ?? 1;
  const offsets = augmentation.kind === "shift" ? cropOffsets(augmentation) : 1;
  /** Of a view of an image, in a table of all. */
  const rowOf = (rows: Int32Array, at: number): number => {
    const [image = 0, y = 0, x = 0, flip = 0] = rows.subarray(at, at + PLAN_COLUMNS);
    const position = positions[image] as number;
    return ((position + 2 * (y * offsets + x) + flip) % count) * images + position;
  };
  return {
    sizes: Object.fromEntries(seen.map(([view, { size }]) => [view, size])),
    teachers: 1,
    covers: () => true,
    outputs: (rows: Int32Array) =>
      Object.fromEntries(
        seen.map(([view, table]) => {
          const values = new Float32Array((rows.length / PLAN_COLUMNS) * table.size);
          for (let at = 0; at < rows.length; at += PLAN_COLUMNS) {
            values.set(valuesAt(table, rowOf(rows, at)), (at / PLAN_COLUMNS) * table.size);
          }
          return [view, values];
        }),
      ),
    ...(draws && {
      shown(rows: Int32Array): Int32Array {
        const shown = rows.slice();
        for (let at = 0; at < rows.length; at += PLAN_COLUMNS) {
          const from = rowOf(rows, at) * DRAWS;
          shown.set(draws.subarray(from, from + DRAWS), at + 1);
        }
        return shown;
      },
    }),
  };
}
