import { PefdError } from "../common/errors.js";
import { shellWord } from "../common/text.js";
import { numbersOf } from "../config/policy.js";
import { pluginsSha256, type UsedPlugin, usedPlugins } from "../config/record.js";
import { type DatasetFiles, type ImageFile, sumAsIn } from "../data/dataset.js";
import { DATASETS } from "../data/registry.js";
import { type Identity, NUMERICS, type RunConfig } from "../runFiles/identity.js";
import type { Found } from "../runFiles/stateFile.js";
import { inputReader } from "../train/openModel.js";

export type Verdict = "fits" | "differs" | "unknown";

export interface Finding {
  /** A file's name, or what of the identity. */
  readonly what: string;
  readonly verdict: Verdict;
  readonly detail: string;
}

export const fits = (what: string, detail: string): Finding => ({ what, verdict: "fits", detail });
export const differs = (what: string, detail: string): Finding => ({ what, verdict: "differs", detail });
export const unknown = (what: string, detail: string): Finding => ({ what, verdict: "unknown", detail });

/** The findings of a check; an error that it throws is a finding, too. @param verdict of such a sentence */
export async function examined(
  what: string,
  verdict: Verdict,
  examine: () => Finding | Promise<Finding>,
): Promise<Finding> {
  try {
    return await examine();
  } catch (error) {
    if (!(error instanceof PefdError)) throw error;
    return { what, verdict, detail: error.message };
  }
}

/** A state file as it is found; where the system does not let it be read, that is what is wrong with it. */
export function foundOrRefused<Content>(read: () => Found<Content>): Found<Content> {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PefdError)) throw error;
    return { state: "damaged", reason: error.message };
  }
}

const SHOWN_DIGITS = 8;

/** "sha256 1f0c2a3b..." */
export const short = (sha256: string): string => `sha256 ${sha256.slice(0, SHOWN_DIGITS)}...`;

const compared = (what: string, where: string, then: string, now: string): Finding =>
  then === now
    ? fits(what, `${where}, ${short(now)}`)
    : differs(what, `${where} has ${short(now)}; the run was made with ${short(then)}`);

/** Says what of the images was compared, where that is not their data set's own business. */
function comparedImages(what: string, folder: string, then: string, file: ImageFile): Finding {
  const { listedSha256: listed } = file;
  const old = "names and sizes only, as recorded by an earlier version";
  const parts = then === listed ? old : "names, sizes and up to 12 kB of each file";
  const where = listed === undefined ? folder : `${folder} (${parts})`;
  return compared(what, where, then, sumAsIn(then, file));
}

type Reader = ReturnType<typeof inputReader>;

async function dataFindings(
  dataset: string,
  folder: string,
  identity: Identity,
  { filesOf }: Reader,
): Promise<Finding[]> {
  let files: DatasetFiles | undefined;
  const train = await examined("training data", "unknown", async () => {
    files = await filesOf(dataset, folder);
    return comparedImages("training data", folder, identity.trainSha256, files.trainFile);
  });
  if (files === undefined) return [train];
  return [train, comparedImages("test data", folder, identity.testSha256, files.testFile)];
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

async function teacherFinding(
  { path_t, model_t = "", model_s, generation, teacher_outputs, dataset, data }: RunConfig,
  { teacherSha256 }: Identity,
  { teacherOf }: Reader,
): Promise<Finding[]> {
  if (teacherSha256 === undefined) return [];
  const hasOutputs = typeof teacher_outputs === "string";
  const what = hasOutputs ? "teacher's outputs" : "teacher's weights";
  const paths = hasOutputs ? [] : [path_t].flat().map(textOf);
  const source = { path_t: paths, model_t, model_s, generation, ...(hasOutputs && { teacher_outputs }) };
  const finding = await examined(what, "unknown", async () => {
    const found = await teacherOf(source, textOf(dataset), textOf(data));
    return compared(what, hasOutputs ? teacher_outputs : paths.join(", "), teacherSha256, found ?? "");
  });
  return [finding];
}

async function leftOutFinding(
  { skip_list }: RunConfig,
  { leftOutSha256: then }: Identity,
  { leftOut }: Reader,
): Promise<Finding[]> {
  if (then === undefined) return [];
  const [what, path] = ["images skipped", textOf(skip_list)];
  const finding = await examined(what, "unknown", async () => compared(what, path, then, leftOut(path) ?? ""));
  return [finding];
}

/** Of the plug-ins that this process was given: a run's record is nothing that code is loaded from. */
function pluginFinding(config: RunConfig, { pluginsSha256: then }: Identity): Finding[] {
  if (then === undefined) return [];
  const [used, made] = [usedPlugins(config), config.plugins ?? []];
  const isOwn = ({ sha256 }: UsedPlugin) => made.some((plugin) => plugin.sha256 === sha256);
  if (used.length < made.length && used.every(isOwn)) {
    const words = made.flatMap(({ path }) => ["--plugin", shellWord(path)]);
    const given = used.length === 0 ? "none was" : "not all were";
    return [unknown("plug-in", `${given} given; the run was made with ${words.join(" ")}`)];
  }
  const where = used.map(({ path }) => path).join(", ");
  return [compared("plug-in", where, then, pluginsSha256(used) ?? "")];
}

function optionsFinding({ identity: _, ...config }: RunConfig, { options }: Identity): Finding {
  const told = numbersOf(config) as Identity["options"];
  const text = (value: unknown) => JSON.stringify(value);
  const names = [...new Set([...Object.keys(told), ...Object.keys(options)])];
  const other = names.filter((name) => text(told[name]) !== text(options[name]));
  return other.length === 0
    ? fits("options", `${names.length} that affect numbers`)
    : differs("options", `config.json contradicts itself about ${other.join(", ")}`);
}

const numericsFinding = ({ numerics }: Identity): Finding =>
  numerics === NUMERICS
    ? fits("numerics", `version ${numerics}`)
    : unknown("numerics", `version ${numerics}; this pefd has version ${NUMERICS}`);

/**
 * A run's inputs, recomputed from their recorded paths; one `reader` for all runs reads each file once.
 * @throws inputError where the data set is of a plug-in that was not given
 */
export async function inputFindings(config: RunConfig, identity: Identity, reader: Reader): Promise<Finding[]> {
  const { name } = DATASETS.row(textOf(config.dataset));
  return [
    ...(await dataFindings(name, textOf(config.data), identity, reader)),
    ...(await teacherFinding(config, identity, reader)),
    ...(await leftOutFinding(config, identity, reader)),
    ...pluginFinding(config, identity),
    optionsFinding(config, identity),
    numericsFinding(identity),
  ];
}

/** The options that name each input: where one is typed, the run's own is not looked at. */
const NAMED_BY: Readonly<Record<string, readonly string[]>> = {
  "training data": ["dataset", "data"],
  "test data": ["dataset", "data"],
  "teacher's weights": ["path_t", "model_t", "teacher_outputs"],
  "teacher's outputs": ["path_t", "model_t", "teacher_outputs"],
  "images skipped": ["skip_list"],
};

/**
 * Changes of a run's inputs since it was made, a clause for each; none for a run of an earlier version.
 * @param record its config.json, found whole
 * @param typed names of options that were given in place of the run's own
 * @throws inputError as inputFindings
 */
export async function changedInputs(
  record: object,
  typed: ReadonlySet<string>,
  reader = inputReader(),
): Promise<string[]> {
  const config = record as RunConfig;
  if (config.identity === undefined) return [];
  const findings = await inputFindings(config, config.identity, reader);
  return findings
    .filter(({ verdict }) => verdict === "differs")
    .filter(({ what }) => !NAMED_BY[what]?.some((name) => typed.has(name)))
    .map(({ what, detail }) => `${what}: ${detail}`);
}
