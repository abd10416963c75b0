import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "./problem.js";
import { run } from "./run.js";

/** The two TypeScript projects: the product and its tests. */
export const PRODUCT = { source: "src", output: "dist", config: "tsconfig.json" };
export const TESTS = { source: "test", output: "dist-test", config: "tsconfig.test.json" };

/** TypeScript, and what stands in a page as it is. */
const SOURCE_ENDINGS = /\.(?:ts|js)$/;
const OUTPUT_ENDINGS = /\.(?:js|js\.map|d\.ts|d\.ts\.map)$/;

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort();
}

const sourcesOf = (root, { source }) => filesBelow(join(root, source)).filter((file) => SOURCE_ENDINGS.test(file));

const outputOf = (root, { source, output }, file) =>
  join(root, output, file.slice(join(root, source).length)).replace(/\.ts$/, ".js");

/** A digest of all that decides what the compiler puts out. */
function digest(root, project) {
  const hash = createHash("sha256");
  for (const file of [join(root, "tsconfig.json"), ...sourcesOf(root, project)]) {
    hash
      .update(`${file.slice(root.length)}\n`)
      .update(readFileSync(file))
      .update("\n");
  }
  return hash.digest("hex");
}

const stampFile = (root, { output }) => join(root, output, ".source-digest");

function readStamp(root, project) {
  const file = stampFile(root, project);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

const outputsAreThere = (root, project) =>
  sourcesOf(root, project).every((file) => existsSync(outputOf(root, project, file)));

/** Whether the compiled files are those of the present sources. */
export const isBuilt = (root, project) =>
  outputsAreThere(root, project) && readStamp(root, project) === digest(root, project);

/** Deletes compiled files whose source is gone. */
function prune(root, { source, output }) {
  for (const file of filesBelow(join(root, output))) {
    const stem = file.slice(join(root, output).length).replace(OUTPUT_ENDINGS, "");
    const sources = [".ts", ".js"].map((ending) => join(root, source, `${stem}${ending}`));
    if (OUTPUT_ENDINGS.test(file) && !sources.some((path) => existsSync(path))) rmSync(file);
  }
}

/**
 * Compiles a project; an interrupted compilation is done again from the start.
 * @throws {Problem} when the types are wrong
 */
export async function build(root, project, inherit = []) {
  const before = digest(root, project);
  const isWhole = readStamp(root, project) !== undefined && outputsAreThere(root, project);
  if (!isWhole) rmSync(join(root, project.output, ".tsbuildinfo"), { force: true });
  rmSync(stampFile(root, project), { force: true });
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const code = await run(process.execPath, [compiler, "-p", project.config], {
    cwd: root,
    inherit,
  });
  if (code !== 0) {
    throw new Problem(`The sources in ${project.source}/ did not compile.`, "See the lines above.", 1);
  }
  prune(root, project);
  writeFileSync(stampFile(root, project), before);
}
