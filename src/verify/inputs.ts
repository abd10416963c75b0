import { shellWord } from "../common/text/shellWord.js";
import { numbersOf } from "../config/policy.js";
import { pluginsSha256, usedPlugins } from "../config/usedPlugins.js";
import {
  classesIn,
  type DatasetFiles,
  type DatasetRow,
  type ImageFile,
  sumAsIn,
} from "../data/dataset.js";
import { DATASETS } from "../data/registry.js";
import { skipListIn } from "../data/skipList.js";
import type { RunConfig } from "../runFiles/config.js";
import { type Identity, NUMERICS } from "../runFiles/identity.js";
import { fileWeightsSha256 } from "../train/openModel.js";
import { differs, examined, type Finding, fits, unknown } from "./finding.js";

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
  const old = "names and sizes alone, as the run was started before contents counted";
  const parts = then === listed ? old : "names, sizes and up to 12 kB of each file";
  const where = listed === undefined ? folder : `${folder} (${parts})`;
  return compared(what, where, then, sumAsIn(then, file));
}

async function dataFindings(
  row: DatasetRow,
  folder: string,
  identity: Identity,
): Promise<Finding[]> {
  let files: DatasetFiles | undefined;
  const train = await examined("training data", "unknown", async () => {
    files = await row.files(folder);
    return comparedImages("training data", folder, identity.trainSha256, files.trainFile);
  });
  if (files === undefined) return [train];
  return [train, comparedImages("test data", folder, identity.testSha256, files.testFile)];
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

async function teacherFinding(
  row: DatasetRow,
  config: RunConfig,
  { teacherSha256 }: Identity,
): Promise<Finding[]> {
  if (teacherSha256 === undefined) return [];
  const [what, path] = ["teacher's weights", textOf(config.path_t)];
  const finding = await examined(what, "unknown", async () => {
    const numClasses = await classesIn(row, textOf(config.data));
    const found = await fileWeightsSha256(path, textOf(config.model_t), numClasses);
    return compared(what, path, teacherSha256, found);
  });
  return [finding];
}

async function leftOutFinding(
  { skip_list }: RunConfig,
  { leftOutSha256: then }: Identity,
): Promise<Finding[]> {
  if (then === undefined) return [];
  const [what, path] = ["images left out", textOf(skip_list)];
  const finding = await examined(what, "unknown", async () =>
    compared(what, path, then, skipListIn(path)?.sha256 ?? ""),
  );
  return [finding];
}

/** Of the plug-ins that this process was given: a run's record is nothing that code is loaded from. */
function pluginFinding(config: RunConfig, { pluginsSha256: then }: Identity): Finding[] {
  if (then === undefined) return [];
  const used = usedPlugins(config);
  if (used.length === 0) {
    const words = (config.plugins ?? []).flatMap(({ path }) => ["--plugin", shellWord(path)]);
    return [unknown("plug-in", `none was given; the run was made with ${words.join(" ")}`)];
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
    ? fits("options", `${names.length} that touch numbers`)
    : differs("options", `config.json contradicts itself about ${other.join(", ")}`);
}

const numericsFinding = ({ numerics }: Identity): Finding =>
  numerics === NUMERICS
    ? fits("numerics", `version ${numerics}`)
    : unknown("numerics", `version ${numerics}; this pefd computes version ${NUMERICS}`);

/** What a run was made from, recomputed from where it says that it lay. */
export async function inputFindings(config: RunConfig, identity: Identity): Promise<Finding[]> {
  const row = DATASETS.row(textOf(config.dataset));
  return [
    ...(await dataFindings(row, textOf(config.data), identity)),
    ...(await teacherFinding(row, config, identity)),
    ...(await leftOutFinding(config, identity)),
    ...pluginFinding(config, identity),
    optionsFinding(config, identity),
    numericsFinding(identity),
  ];
}
