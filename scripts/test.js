import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build, TESTS } from "./setup/build.js";
import { nativeVariables } from "./setup/environment.js";
import { fail, Problem } from "./setup/problem.js";
import { run } from "./setup/run.js";
import { ROOT, setup } from "./setup/setup.js";

/** Test files at a time; each may use several threads. */
const CONCURRENCY = 2;

const say = (text) => process.stderr.write(`${text}\n`);

async function lint() {
  say("Lint");
  const code = await run("npm", ["run", "--silent", "lint"], { cwd: ROOT });
  if (code !== 0) {
    const next = "Type: npm run format, which mends what it can; npm run lint shows the rest";
    throw new Problem("The linter has something to say.", next, 1);
  }
}

async function types() {
  say("Types");
  await build(ROOT, TESTS);
}

/** The compiled test files whose path contains one of the words; all where no word is given. */
function testFiles(words) {
  const below = readdirSync(join(ROOT, TESTS.output), { recursive: true, encoding: "utf8" });
  const files = below.filter((file) => file.endsWith(".test.js")).sort();
  const wanted = files.filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
  if (wanted.length === 0) throw new Problem(`No test file matches ${words.join(", ")}.`, "", 2);
  return wanted.map((file) => join(TESTS.output, file));
}

async function test(words, flags) {
  say("Tests");
  const reporter = process.stdout.isTTY ? "spec" : "tap";
  const options = [`--test-reporter=${reporter}`, `--test-concurrency=${CONCURRENCY}`, ...flags];
  const settings = {
    cwd: ROOT,
    env: { ...process.env, ...(await nativeVariables()) },
    stdio: "inherit",
  };
  return run(process.execPath, ["--test", ...options, ...testFiles(words)], settings);
}

const given = process.argv.slice(2);
try {
  await setup();
  await lint();
  await types();
  const isFlag = (word) => word.startsWith("--");
  process.exitCode = await test(
    given.filter((word) => !isFlag(word)),
    given.filter(isFlag),
  );
} catch (error) {
  fail(error);
}
