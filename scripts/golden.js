// npm run golden -- FILE... [--engine eager|graph|xla] [--markdown FILE]: compares files of reference numbers made by
// PyTorch with what this code computes, one line per file. --markdown also writes the largest error of each into the table
// of a document, such as docs/exactness.md.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, isBuilt, TESTS } from "./setup/build.js";
import { nativeVariables } from "./setup/environment.js";
import { fail, Problem } from "./setup/problem.js";
import { ROOT, setup } from "./setup/setup.js";

const USAGE = "Usage: npm run golden -- FILE... [--engine NAME] [--markdown DOCUMENT]";

function readArguments() {
  const options = {
    engine: { type: "string", default: "eager" },
    markdown: { type: "string" },
  };
  try {
    const { positionals, values } = parseArgs({ allowPositionals: true, options });
    if (positionals.length > 0) return { paths: positionals, ...values };
  } catch (error) {
    throw new Problem(`${error.message}.`, USAGE, 2);
  }
  throw new Problem("Which files?", USAGE, 2);
}

/** Checks one file and prints its line. @returns the exit code that it asks for, and what was found */
function checkFile(path, engine, { checkGoldenFile, formatGoldenResult }) {
  try {
    const result = checkGoldenFile(path, engine);
    process.stdout.write(`${formatGoldenResult(result)}\n`);
    return { code: result.ok ? 0 : 1, measured: [{ path, engine, result }] };
  } catch (error) {
    if (error?.exitCode === undefined) throw error;
    process.stdout.write(`${[error.message, error.hint].join(" ").trim()}  FAILED\n`);
    return { code: error.exitCode, measured: [] };
  }
}

/** @throws Problem where the document cannot be read */
function readDocument(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new Problem(`${path} cannot be read: ${error.message}.`, USAGE, 2);
  }
}

async function main() {
  const { paths, engine, markdown } = readArguments();
  const document = markdown === undefined ? undefined : readDocument(markdown);
  // A copy that was taken to another machine may have what everything compiles to (dist, dist-test), and no sources.
  if (existsSync(join(ROOT, TESTS.config))) {
    await setup();
    if (!isBuilt(ROOT, TESTS)) await build(ROOT, TESTS);
  }
  Object.assign(process.env, await nativeVariables());
  const { loadTensorFlow } = await import("../dist/runtime/tf.js");
  const { engineNamed } = await import("../dist-test/golden/compare/engines.js");
  const golden = await import("../dist-test/golden/compare/check.js");
  const chosen = engineNamed(engine);
  loadTensorFlow();
  const { withMeasured } = await import("../dist-test/golden/compare/exactness.js");
  const today = new Date().toISOString().slice(0, 10);
  if (document !== undefined) withMeasured(document, [], today); // refused before hours are spent
  const found = paths.map((path) => checkFile(path, chosen, golden));
  if (document !== undefined) {
    const measured = found.flatMap((each) => each.measured);
    writeFileSync(markdown, withMeasured(document, measured, today));
  }
  return found.find(({ code }) => code !== 0)?.code ?? 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  fail(error);
}
