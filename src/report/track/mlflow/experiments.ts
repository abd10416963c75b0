import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runError } from "../../../common/errors.js";
import { writeFileAtomic } from "../../../common/files/atomicFile.js";
import { readInputText } from "../../../common/files/inputFile.js";
import { makeFolder } from "../../../common/files/makeFolder.js";
import { metaYaml, textIn } from "./metaYaml.js";

/** The file that tells of an experiment or a run. */
export const META = "meta.yaml";

/** Where MLflow keeps deleted experiments. */
const TRASH = ".trash";

/** Far more than a meta.yaml has. */
const MAX_BYTES = 2 ** 20;

/** The text of a folder's meta.yaml. @throws inputError where it cannot be read */
export const readMeta = (folder: string): string =>
  readInputText(join(folder, META), { maxBytes: MAX_BYTES });

/** The folders of the experiments of a store. */
export const experimentFolders = (store: string): string[] =>
  existsSync(store)
    ? readdirSync(store)
        .map((name) => join(store, name))
        .filter((folder) => existsSync(join(folder, META)))
    : [];

const named = (store: string, name: string): string | undefined =>
  experimentFolders(store).find((folder) => textIn(readMeta(folder), "name") === name);

/** An id like MLflow's own (18 digits), by the name: runs of a sweep that start together make the same experiment. */
const idOf = (name: string): string =>
  String(
    10n ** 17n + (createHash("sha256").update(name).digest().readBigUInt64BE() % (9n * 10n ** 17n)),
  );

/**
 * The folder of an experiment, which is made where it is missing.
 * @throws runError where it is deleted or cannot be made
 */
export async function experimentFolder(store: string, name: string): Promise<string> {
  const found = named(store, name);
  if (found !== undefined) return found;
  if (named(join(store, TRASH), name) !== undefined) {
    throw runError(`the experiment "${name}" is deleted in ${store}; restore it with MLflow.`);
  }
  const id = idOf(name);
  const folder = join(store, id);
  makeFolder(folder);
  const now = Date.now();
  const meta = {
    artifact_location: pathToFileURL(folder).href,
    creation_time: now,
    experiment_id: id,
    last_update_time: now,
    lifecycle_stage: "active",
    name,
  };
  await writeFileAtomic(join(folder, META), metaYaml(meta));
  return folder;
}
