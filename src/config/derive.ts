import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../common/errors.js";
import { counted } from "../common/text.js";
import { DATASETS, sizedDataset } from "../data/registry.js";
import { joinedNames, namesIn } from "../distill/combination.js";
import { type Procedure, procedureOf } from "../distill/open.js";
import { publishedSetting } from "../distill/published.js";
import { isTeacherFree, methodRows } from "../distill/registry.js";
import { betaText, type LossWeights } from "../distill/weights.js";
import { MODELS } from "../models/registry.js";
import { modelNameOf } from "./modelName.js";
import {
  DISTILL_SECTIONS,
  type DistillOptions,
  EVAL_SECTIONS,
  type EvalOptions,
  METHOD_SECTIONS,
  sectionsOfMethod,
  TEACHER_SECTIONS,
  type TeacherOptions,
} from "./options.js";
import { isTold } from "./policy.js";
import { RECIPE } from "./recipe.js";
import { givenBy, type Layer, type Resolved, resolveRows, rowsOf } from "./resolve.js";

/** Final weights of `pefd train-teacher`, by trial. */
function trained(models: string, model: string, dataset: string): string[] {
  if (!existsSync(models)) return [];
  return readdirSync(models)
    .filter((folder) => folder.startsWith(`${model}_${dataset}_lr_`))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map((folder) => join(models, folder, `${model}_last.safetensors`));
}

/** The paper's teacher, for data sets that have one. */
function published(models: string, model: string, dataset: string): string[] {
  const path = DATASETS.find(dataset)?.publishedTeacher?.(model);
  return path === undefined ? [] : [join(models, path)];
}

/** The teacher of a model below `--save_dir`: the paper's published file, else the lowest trial trained here. */
export function findTeacher(saveDir: string, model: string, dataset: string): string | undefined {
  const models = join(saveDir, "models");
  return [...published(models, model, dataset), ...trained(models, model, dataset)].find((file) => existsSync(file));
}

const IMAGE_SIDE = 32;
const IMAGE_SIDES = [32, 96] as const;

const rowOf = ({ options }: Resolved) =>
  sizedDataset(options.dataset as string, options.image_size as number | undefined);

/** A usual size becomes unset: such a run is the same. @throws inputError for a size that the data set does not have */
function withoutUsualSize(resolved: Resolved): Resolved {
  const { sized, format } = sizedDataset(resolved.options.dataset as string);
  const row = rowOf(resolved);
  if (sized !== undefined && row.format.height !== format.height) return resolved;
  const { image_size: _, ...ranks } = resolved.ranks;
  return { ...put(resolved, { image_size: undefined }, "the data set's"), ranks };
}

/** Refuses models for ImageNet with small images, models for small images with large ones, and patches that do not fit. */
function refuseOtherImages(resolved: Resolved, model: string): void {
  const { name, format, sized } = rowOf(resolved);
  const { imageSize: side = IMAGE_SIDE, imageSizes = IMAGE_SIDES, patch = 1 } = MODELS.find(model) ?? {};
  const [least, most] = imageSizes;
  const other = sized && ` \`--image_size ${side}\` resizes these images to that size.`;
  if (format.height % patch > 0) {
    throw inputError(
      `${model} cuts images into patches of ${patch}x${patch}; ${name} has ${format.height}x${format.width}.`,
      `The image size has to be a multiple of ${patch}.${other ?? ""}`,
    );
  }
  if (format.height >= least && format.height <= most) return;
  throw inputError(
    `${model} expects ${side}x${side} images; ${name} has ${format.height}x${format.width}.`,
    `It takes sizes from ${least} to ${most}; \`pefd models\` lists each model's image size.${other ?? ""}`,
  );
}

const LEARNING_RATE = 0.05;

const put = (resolved: Resolved, values: Readonly<Record<string, unknown>>, origin: string): Resolved => ({
  ...resolved,
  options: { ...resolved.options, ...values },
  origins: { ...resolved.origins, ...Object.fromEntries(Object.keys(values).map((name) => [name, origin])) },
});

const fill = (resolved: Resolved, name: string, value: unknown, origin: string): Resolved =>
  resolved.options[name] === undefined ? put(resolved, { [name]: value }, origin) : resolved;

const text = (resolved: Resolved, name: string): string => resolved.options[name] as string;

function fillLearningRate(given: Resolved, model: string): Resolved {
  const resolved = withSchedule(given);
  const own = MODELS.find(model)?.learningRate;
  const origin = own === undefined ? "default" : `default of ${model}`;
  return fill(resolved, "learning_rate", own ?? LEARNING_RATE, origin);
}

const recipeNames = (pattern: RegExp) => Object.keys(RECIPE.rows).filter((name) => pattern.test(name));

/** Options that say nothing without another one. */
const PARTS: readonly (readonly [owners: readonly string[], parts: readonly string[], example: string])[] = [
  [["opt"], ["opt_eps", "opt_betas", "layer_decay"], "--opt adamw"],
  [["sched"], recipeNames(/^(sched_|warmup_|min_lr|cooldown_|decay_)/), "--sched cosine"],
  [["clip_grad"], ["clip_mode"], "--clip_grad 5"],
  [["bce_loss"], recipeNames(/^bce_.*[^s]$/), "--bce_loss"],
  [["mixup", "cutmix", "cutmix_minmax"], [...recipeNames(/^mixup_/), "no_prefetcher"], "--mixup 0.8"],
];
const OF_PAPER = ["lr_decay_epochs", "lr_decay_rate"];

/** Refuses options without the one that they are part of, and two schedules. @throws inputError */
function refuseMixed({ options, ranks }: Resolved): void {
  for (const [owners, parts, example] of PARTS) {
    const alone = parts.find((name) => isTold(options[name]));
    if (alone === undefined || owners.some((name) => isTold(options[name]))) continue;
    throw inputError(`--${alone} needs --${owners.join(" or --")}, which is not given.`, `Such as ${example}.`);
  }
  const both = OF_PAPER.find((name) => (ranks[name] ?? Infinity) <= (ranks.sched ?? -1));
  if (both !== undefined) {
    throw inputError(
      `--${both} is part of the paper's schedule, and --sched ${options.sched} is another one.`,
      `Give one of them; --decay_epochs, --decay_milestones and --decay_rate belong to --sched.`,
    );
  }
  const betas = options.opt_betas as readonly number[] | undefined;
  if (betas !== undefined && betas.length !== 2) {
    throw inputError(`--opt_betas takes two numbers; ${betas.join(",")} is not.`, "Such as --opt_betas 0.9,0.999.");
  }
}

const LR_BASE_SIZE = 256;

/** Fills in the epochs of --sched, and the learning rate that --lr_base gives. */
function withSchedule(resolved: Resolved): Resolved {
  refuseMixed(resolved);
  const { options } = resolved;
  const at = (name: string, otherwise = 0): number => (options[name] as number | undefined) ?? otherwise;
  const { sched, opt, lr_base, warmup_prefix } = options;
  const span = at("epochs") - at("cooldown_epochs") - (warmup_prefix ? at("warmup_epochs") : 0);
  if (sched !== undefined && options.sched_epochs === undefined && span <= 0) {
    throw inputError(`--epochs ${options.epochs} leaves nothing between warm-up and cool-down.`);
  }
  const planned = sched === undefined ? resolved : fill(resolved, "sched_epochs", span, "from epochs");
  if (lr_base === undefined) return planned;
  const batch = at("batch_size") / at("lr_base_size", LR_BASE_SIZE);
  const isRoot = (options.lr_base_scale ?? (/ada|lamb/.test(String(opt)) ? "sqrt" : "linear")) === "sqrt";
  return fill(planned, "learning_rate", at("lr_base") * (isRoot ? Math.sqrt(batch) : batch), "from lr_base");
}

/** Layers adjusted to the method variant that stronger layers select, such as a kd preset with --lskd. */
function followed(layers: readonly Layer[], resolved: Resolved): readonly Layer[] {
  const made = proceduresIn(resolved);
  const chosen = text(resolved, "distill");
  return layers.map((layer) => (layer.values.distill === chosen ? { ...layer, ...layer.following?.(made) } : layer));
}

/** Defaults where some weights are given, as in the paper's code. */
const BESIDE_GIVEN: LossWeights = { gamma: 1, alpha: 0, beta: 0 };

/** TEACHER-STUDENT as in preset names; matches no pair while the teacher is unknown. */
const pairOf = (resolved: Resolved): string => `${text(resolved, "model_t") ?? ""}-${text(resolved, "model_s")}`;

const proceduresIn = (resolved: Resolved): readonly Procedure[] =>
  methodRows(text(resolved, "distill")).map((method) => procedureOf(method, resolved.options));

/** A list; of one element that. */
const asOne = <Value>(values: readonly Value[]): Value | readonly Value[] =>
  values.length === 1 ? (values[0] as Value) : values;

/** Published weights if none is given; else missing ones get the defaults of the paper's code (1, 0, 0). */
function fillWeights(resolved: Resolved): Resolved {
  const pair = pairOf(resolved);
  const methods = proceduresIn(resolved);
  const settings = methods.map((method) => publishedSetting(method, pair));
  const isGiven = Object.keys(BESIDE_GIVEN).some((name) => resolved.options[name] !== undefined);
  const sets = isGiven ? methods.map(() => BESIDE_GIVEN) : settings.map(({ weights }) => weights);
  const name = methods.map((method) => method.name).join("+");
  const origin = isGiven
    ? "default when another weight is given"
    : originOf(name, settings.some(({ isOwn }) => isOwn) ? pair : undefined);
  const weights = { ...sets[0], beta: asOne(sets.map(({ beta }) => beta)) };
  return Object.entries(weights).reduce((filled, [name, value]) => fill(filled, name, value, origin), resolved);
}

const originOf = (method: string, pair?: string): string =>
  pair === undefined ? `default of ${method}` : `published for ${pair}`;

function withValues(resolved: Resolved, values: Readonly<Record<string, unknown>>, origin: string): Resolved {
  const own = Object.entries(values).filter(([option]) => resolved.ranks[option] === undefined);
  return put(resolved, Object.fromEntries(own), origin);
}

/** Published option values: a pair's take precedence over a method's; in a sum, earlier methods over later ones. */
function withPublished(resolved: Resolved): Resolved {
  const pair = pairOf(resolved);
  const withThose = (before: Resolved, method: Procedure): Resolved => {
    const { name, defaults = {} } = method;
    const general = withValues(before, defaults, originOf(name));
    return withValues(general, publishedSetting(method, pair).options, originOf(name, pair));
  };
  return proceduresIn(resolved).toReversed().reduce(withThose, resolved);
}

/** Values that depend on student and learning rate, for options that nothing gave. */
function withStudents(resolved: Resolved): Resolved {
  const student = text(resolved, "model_s");
  const learningRate = resolved.options.learning_rate as number;
  return proceduresIn(resolved).reduce((before, { ofStudent }) => {
    const values = ofStudent?.({ student, learningRate }) ?? {};
    return withValues(before, values, `published for ${student}`);
  }, resolved);
}

/** Sentences on given options without effect: of other methods, or of a teacher where there is none. */
export function withoutEffect(layers: readonly Layer[], resolved: Resolved<Partial<DistillOptions>>): string[] {
  const method = resolved.options.distill as string;
  const own = rowsOf(sectionsOfMethod(method));
  const others = Object.entries(rowsOf(METHOD_SECTIONS))
    .filter(([name, row]) => own[name] === undefined && givenBy(name, row, layers) >= 0)
    .map(([name]) => `--${name} has no effect: ${method} has no such option.`);
  return [...others, ...withoutTeacher(resolved)];
}

/** Options of a teacher, without effect in a run that has none. */
const OF_RUNNING_TEACHER = ["teacher_eval", "teacher_cache", "teacher_ahead"];
const OF_TEACHER = ["path_t", "model_t", "teacher_outputs", ...OF_RUNNING_TEACHER];

/** A sentence on typed options of a teacher in a run without one, or with its outputs only. */
function withoutTeacher({ options, ranks }: Resolved<Partial<DistillOptions>>): string[] {
  const isFree = isTeacherFree(options as DistillOptions);
  if (!isFree && options.teacher_outputs === undefined) return [];
  const told = (isFree ? OF_TEACHER : OF_RUNNING_TEACHER).filter((name) => ranks[name] === 0);
  if (told.length === 0) return [];
  const has = told.length === 1 ? "has" : "have";
  const why = isFree ? `${options.distill} trains without a teacher` : "with --teacher_outputs no teacher is run";
  return [`${told.map((name) => `--${name}`).join(", ")} ${has} no effect: ${why}.`];
}

/** No teacher for a teacher-free method, whatever a preset or a flag says. */
function withTeacherIfAny(resolved: Resolved): Resolved {
  if (!isTeacherFree(resolved.options as DistillOptions)) return resolved;
  const none = { path_t: undefined, model_t: undefined, teacher_outputs: undefined };
  return put(resolved, none, `${text(resolved, "distill")} needs none`);
}

/** Drops a model name overruled by a stronger path, such as a flag over a preset. */
function withoutOverruledModel(resolved: Resolved): Resolved {
  const { path_t, model_t } = resolved.ranks;
  const overruled = path_t !== undefined && model_t !== undefined && path_t < model_t;
  if (!overruled || modelsOf(pathsOf(resolved)) === undefined) return resolved;
  return { ...resolved, options: { ...resolved.options, model_t: undefined } };
}

const pathsOf = ({ options }: Resolved): readonly string[] =>
  options.path_t === undefined ? [] : ([options.path_t].flat() as string[]);

/** The models that paths name, joined; undefined where one does not tell. */
function modelsOf(paths: readonly string[]): string | undefined {
  const names = paths.map(modelNameOf);
  return names.every((name) => name !== undefined) ? joinedNames(names) : undefined;
}

/** One model for each path; a single one is that of all. @throws inputError for other numbers of both */
function withModelOfEach(resolved: Resolved): Resolved {
  const [paths, model] = [pathsOf(resolved), text(resolved, "model_t")];
  const models = model === undefined ? [] : namesIn(model);
  if (models.length === 1) {
    return { ...resolved, options: { ...resolved.options, model_t: joinedNames(paths.map(() => model)) } };
  }
  if (models.length === 0 || models.length === paths.length) return resolved;
  throw inputError(
    `--path_t names ${counted(paths.length, "checkpoint")}, and --model_t ${counted(models.length, "model")}.`,
    "Give one model per checkpoint, or one for all of them.",
  );
}

/** A teacher or its outputs, whichever has the stronger layer. @throws inputError for both in one */
function withoutOverruledTeacher(resolved: Resolved): Resolved {
  const { teacher_outputs = Infinity, path_t = Infinity, model_t = Infinity } = resolved.ranks;
  const teacher = Math.min(path_t, model_t);
  if (teacher_outputs === teacher && teacher < Infinity) {
    throw inputError(
      "--teacher_outputs is in place of a teacher, and --path_t or --model_t names one.",
      "Give one of the two.",
    );
  }
  if (resolved.options.teacher_outputs === undefined) return resolved;
  return teacher < teacher_outputs
    ? put(resolved, { teacher_outputs: undefined }, "none: a teacher is given")
    : put(resolved, { path_t: undefined, model_t: undefined }, "none: teacher_outputs is given");
}

function fillTeacher(given: Resolved): Resolved {
  const resolved = withoutOverruledModel(withoutOverruledTeacher(given));
  const paths = pathsOf(resolved);
  if (paths.length > 0) {
    const names = modelsOf(paths);
    const origin = names === undefined ? "not in path_t" : "from path_t";
    return withModelOfEach(fill(resolved, "model_t", names, origin));
  }
  const model = text(resolved, "model_t");
  if (model === undefined) return resolved;
  const saveDir = text(resolved, "save_dir");
  const found = namesIn(model).map((name) => findTeacher(saveDir, name, text(resolved, "dataset")));
  const isFound = found.every((path) => path !== undefined);
  const origin = isFound ? "found in" : "no teacher found in";
  return fill(resolved, "path_t", isFound ? asOne(found) : undefined, `${origin} ${saveDir}/models`);
}

function refuseGenerations({ options }: Resolved): void {
  if (options.generations === undefined) return;
  if (options.devices !== undefined) {
    throw inputError("--generations is for one process, and --devices for several.", "Leave out one of the two.");
  }
  if (options.teacher_outputs !== undefined) {
    throw inputError(
      "--generations: a student's outputs take the place of --teacher_outputs from the second on.",
      "Give the first teacher's checkpoint with --path_t.",
    );
  }
  if (!isTeacherFree(options as DistillOptions)) return;
  throw inputError(
    `--generations: ${options.distill} has no teacher, so no student can teach the next.`,
    "Take a method with a teacher, such as --distill kd.",
  );
}

function refuseNoLoss({ options }: Resolved): void {
  const all = [options.gamma, options.alpha, options.beta].flat();
  if (all.every((weight) => weight === 0)) {
    throw inputError("--gamma, --alpha and --beta are all 0: there is no loss to minimize.");
  }
}

/** Each method of a sum needs its own weight. */
function refuseOtherWeights(resolved: Resolved): void {
  const distill = text(resolved, "distill");
  const [methods, weights] = [namesIn(distill).length, [resolved.options.beta].flat().length];
  if (methods === weights) return;
  const example = namesIn(distill).map(() => 1);
  throw inputError(
    `--distill ${distill} has ${counted(methods, "method")}, and --beta ${counted(weights, "weight")}.`,
    `Give one per method, such as --beta ${betaText(asOne(example))}, or none for the published weights.`,
  );
}

/**
 * Resolves a distillation with published weights and the student's learning rate as defaults; `path_t` and `model_t`
 * may stay unknown (see requireTeacher).
 * @throws inputError for invalid values
 */
export function resolveDistill(layers: readonly Layer[]): Resolved<Partial<DistillOptions>> {
  const { distill } = resolveRows(DISTILL_SECTIONS, layers).options;
  const sections = sectionsOfMethod(distill as string);
  const told = followed(layers, resolveRows(sections, layers));
  const guided = fillTeacher(withoutUsualSize(resolveRows(sections, told)));
  const weighted = fillWeights(withPublished(guided));
  refuseOtherWeights(weighted);
  refuseNoLoss(weighted);
  refuseGenerations(weighted);
  refuseOtherImages(weighted, text(weighted, "model_s"));
  return withTeacherIfAny(withStudents(fillLearningRate(weighted, text(weighted, "model_s"))));
}

const toldByFile = (model_t: string): Layer => ({
  label: () => "the model's name in --path_t",
  origin: () => "from the file",
  values: { model_t },
});

/**
 * The options with a known teacher; without one for teacher-free methods.
 * @param nameInFile reads a checkpoint's own model name, for paths that do not tell
 * @param trainCommand what to type for a missing teacher of a model
 * @throws inputError with how to get or name a teacher
 */
export async function requireTeacher(
  layers: readonly Layer[],
  nameInFile: (path: string) => Promise<string | undefined>,
  trainCommand: (model?: string) => string,
): Promise<DistillOptions> {
  const { options } = resolveDistill(layers);
  const { path_t, model_t, teacher_outputs } = options;
  if (teacher_outputs !== undefined || isTeacherFree(options as DistillOptions)) return options as DistillOptions;
  if (path_t === undefined) throw missingTeacher(options, trainCommand);
  if (model_t !== undefined) return options as DistillOptions;
  const names: string[] = [];
  for (const path of [path_t].flat()) {
    const name = modelNameOf(path) ?? (await nameInFile(path));
    if (name === undefined) {
      throw inputError(
        `The teacher's model cannot be determined from --path_t ${path}.`,
        "Set it with --model_t, such as --model_t resnet32x4.",
      );
    }
    names.push(name);
  }
  return resolveDistill([...layers, toldByFile(joinedNames(names))]).options as DistillOptions;
}

function missingTeacher(
  { model_t, save_dir = "", dataset = "" }: Partial<DistillOptions>,
  trainCommand: (model?: string) => string,
) {
  if (model_t === undefined) {
    return inputError(
      "Distillation needs a teacher: give its checkpoint with --path_t.",
      `Train one with \`${trainCommand()}\`, use the paper's .pth files, or give outputs of any teacher with --teacher_outputs.`,
    );
  }
  const missing = namesIn(model_t).find((name) => findTeacher(save_dir, name, dataset) === undefined);
  return inputError(
    `No teacher ${missing} in ${save_dir}/models, and --path_t was not given.`,
    `Train one with \`${trainCommand(missing)}\`, or give its checkpoint with --path_t.`,
  );
}

/** In a file for both teacher and student, the teacher's training takes `model_t` as its model. */
function teacherAsModel(layer: Layer): Layer {
  const { model, model_t } = layer.values;
  if (model !== undefined || model_t === undefined) return layer;
  return { ...layer, values: { ...layer.values, model: model_t } };
}

/** Resolves a teacher's training; the learning rate defaults to the model's. @throws inputError for invalid values */
export function resolveTeacher(layers: readonly Layer[]): Resolved<TeacherOptions> {
  const resolved = withoutUsualSize(resolveRows(TEACHER_SECTIONS, layers.map(teacherAsModel)));
  refuseOtherImages(resolved, text(resolved, "model"));
  return fillLearningRate(resolved, text(resolved, "model")) as unknown as Resolved<TeacherOptions>;
}

/**
 * Resolves evaluations; the model defaults to the one in the path.
 * @throws inputError for invalid values or no checkpoint
 */
export function resolveEvaluations(layers: readonly Layer[]): EvalOptions[] {
  const { options } = withoutUsualSize(resolveRows(EVAL_SECTIONS, layers));
  const checkpoints = options.checkpoint as readonly string[];
  if (checkpoints.length === 0) throw inputError("Evaluation needs a checkpoint: give its file with --checkpoint.");
  return checkpoints.map((checkpoint) => {
    const model = options.model ?? modelNameOf(checkpoint);
    return { ...options, checkpoint, model } as unknown as EvalOptions;
  });
}
