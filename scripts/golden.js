// npm run golden -- FILE... [--engine eager|graph|xla]: compares files of reference numbers made by PyTorch with what
// this code computes, one line per file.
import { parseArgs } from "node:util";
import { nativeVariables } from "./setup/environment.js";
import { fail, Problem } from "./setup/problem.js";
import { setup } from "./setup/setup.js";

const USAGE = "Usage: npm run golden -- FILE... [--engine NAME]";

function readArguments() {
  const options = { engine: { type: "string", default: "eager" } };
  try {
    const { positionals, values } = parseArgs({ allowPositionals: true, options });
    if (positionals.length > 0) return { paths: positionals, engine: values.engine };
  } catch (error) {
    throw new Problem(`${error.message}.`, USAGE, 2);
  }
  throw new Problem("Which files?", USAGE, 2);
}

/** Checks one file and prints its line. @returns the exit code that it asks for */
function checkFile(path, engine, { checkGoldenFile, formatGoldenResult }) {
  try {
    const result = checkGoldenFile(path, engine);
    process.stdout.write(`${formatGoldenResult(result)}\n`);
    return result.ok ? 0 : 1;
  } catch (error) {
    if (error?.exitCode === undefined) throw error;
    process.stdout.write(`${[error.message, error.hint].join(" ").trim()}  FAILED\n`);
    return error.exitCode;
  }
}

async function main() {
  const { paths, engine } = readArguments();
  await setup();
  Object.assign(process.env, await nativeVariables());
  const { loadTensorFlow } = await import("../dist/runtime/tf.js");
  const { engineNamed } = await import("../dist/golden/engines.js");
  const golden = await import("../dist/golden/check.js");
  const chosen = engineNamed(engine);
  loadTensorFlow();
  const codes = paths.map((path) => checkFile(path, chosen, golden));
  return codes.find((code) => code !== 0) ?? 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  fail(error);
}
