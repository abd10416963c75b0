import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "../helpers/paths.js";

/** One of the two TypeScript projects, as scripts/setup/build.js describes them. */
export interface Project {
  readonly source: string;
  readonly output: string;
  readonly config: string;
}

interface Build {
  PRODUCT: Project;
  isBuilt(root: string, project: Project): boolean;
  build(root: string, project: Project): Promise<void>;
}

interface Packages {
  packagesAreInstalled(root: string): boolean;
  installPackages(root: string, inherit: number[]): Promise<void>;
}

/** A module of scripts/setup; they are plain JavaScript, because they run before anything is compiled. */
const script = async <T>(name: string): Promise<T> =>
  (await import(pathToFileURL(join(ROOT, "scripts/setup", name)).href)) as T;

export const { PRODUCT, isBuilt, build } = await script<Build>("build.js");
export const { packagesAreInstalled, installPackages } = await script<Packages>("packages.js");
