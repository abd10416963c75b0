import { join } from "node:path";
import { buildNativeTests, VARIANTS } from "./native/build.js";
import { fail, Problem } from "./setup/problem.js";
import { run } from "./setup/run.js";
import { ROOT, setup } from "./setup/setup.js";

// npm run test:native [-- [--sanitizers] [WORD...]]
// Compiles only the kernels of src/native, with test/native, and runs the cases whose name contains a word;
// --sanitizers: under AddressSanitizer and UndefinedBehaviorSanitizer, then under ThreadSanitizer.

const FOLDERS = {
  sources: join(ROOT, "src/native"),
  tests: join(ROOT, "test/native"),
  objects: join(ROOT, "dist-test/native/objects"),
};

async function runVariant(variant, words) {
  const program = await buildNativeTests({ ...FOLDERS, variant });
  const code = await run(program, words, { stdio: ["ignore", 1, 2] });
  if (code !== 0) throw new Problem(`The tests of src/native failed (${variant}).`, "", 1);
}

const given = process.argv.slice(2);
const words = given.filter((word) => !word.startsWith("--"));
const variants = Object.keys(VARIANTS).filter((variant) => (variant !== "plain") === given.includes("--sanitizers"));
try {
  await setup();
  for (const variant of variants) await runVariant(variant, words);
} catch (error) {
  fail(error);
}
