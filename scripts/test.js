import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build, TESTS } from "./setup/build.js";
import { nativeVariables } from "./setup/environment.js";
import { fail, Problem } from "./setup/problem.js";
import { run } from "./setup/run.js";
import { ROOT, setup } from "./setup/setup.js";
import { SLOW_TESTS } from "./slow-tests.js";

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

/** The compiled test files whose path contains one of the words; without words all, but the slow ones only with PEFD_MATRICES. */
function testFiles(words) {
  const below = readdirSync(join(ROOT, TESTS.output), { recursive: true, encoding: "utf8" });
  const files = below.filter((file) => file.endsWith(".test.js")).sort();
  const slow = new Set(SLOW_TESTS.map((name) => `${name}.test.js`));
  const stray = [...slow].filter((file) => !files.includes(file));
  if (stray.length > 0)
    throw new Problem(`There is no test file ${stray.join(", ")}.`, "scripts/slow-tests.js names it.", 1);
  const isWanted = (file) => words.some((word) => file.includes(word));
  const isQuick = (file) => process.env.PEFD_MATRICES !== undefined || !slow.has(file);
  const wanted = files.filter(words.length > 0 ? isWanted : isQuick);
  if (wanted.length === 0) throw new Problem(`No test file matches ${words.join(", ")}.`, "", 2);
  return {
    wanted: wanted.map((file) => join(TESTS.output, file)),
    leftOut: words.length > 0 ? 0 : files.length - wanted.length,
  };
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
  const { wanted, leftOut } = testFiles(words);
  const code = await run(process.execPath, ["--test", ...options, ...wanted], settings);
  if (leftOut > 0)
    say(
      `${leftOut} slow test files were left out; PEFD_MATRICES=few npm test runs them too, PEFD_MATRICES=many with more of their cases`,
    );
  return code;
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
