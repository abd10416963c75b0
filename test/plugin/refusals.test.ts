import assert from "node:assert/strict";
import { test } from "node:test";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { datasetText, methodText, written } from "./files.js";

/** What is typed with a plug-in of this text, and what is said: file, exit code and words. */
const REFUSED: readonly (readonly [name: string, text: string, said: RegExp])[] = [
  ["none.mjs", "", /has no default export.*definePlugin/s],
  ["empty.mjs", "export default {};", /exports no methods, no models, no datasets/],
  ["word.mjs", 'export default "kd";', /exports something else than an object/],
  ["key.mjs", "export default { method: [] };", /exports method, which is none of/],
  ["list.mjs", "export default { methods: {} };", /exports methods that are no list/],
  ["row.mjs", 'export default { methods: [{ name: "x" }] };', /methods\[0\] \(x\) whose paper/],
  ["name.mjs", methodText("a-b", { option: "own" }), /methods\[0\] \(a-b\) whose name is not a name of letters/],
  ["year.mjs", methodText("mine").replace("none, 2026", "an idea"), /whose paper is not a text that ends with/],
  [
    "variant.mjs",
    methodText("mine").replace("terms: [", 'variants: [{ name: "other" }], terms: ['),
    /whose variants is not a list of \{ name, paper/,
  ],
  ["throws.mjs", '\nthrow new Error("no luck");', /cannot be loaded \(line 2\): Error: no luck/],
  ["syntax.mjs", "\n\nconst = 1;", /cannot be loaded.*SyntaxError/],
  ["lost.mjs", 'import "./nowhere.mjs";', /cannot be loaded: Error: Cannot find module/],
  ["package.mjs", 'import "no-such-package";', /cannot be loaded: Error: Cannot find package/],
  ["other.mjs", 'import { secret } from "pefd/plugin";', /cannot be loaded.*secret/],
  ["kd.mjs", methodText("kd"), /has a method kd, and pefd itself has one/],
  ["lskd.mjs", methodText("lskd_kd"), /has a method lskd_kd, and pefd itself has one/],
  ["cifar.mjs", datasetText("cifar100"), /has a data set cifar100, and pefd itself has one/],
  ["flag.mjs", methodText("mine", { option: "batch_size" }), /--batch_size for its method mine, which already exists/],
  [
    "declared.mjs",
    methodText("mine").replace("methods:", 'files: ["weights.json"], methods:'),
    /names weights\.json in its files, and there is no file .*weights\.json/,
  ],
  ["files.mjs", methodText("mine").replace("methods:", "files: 3, methods:"), /exports files that/],
  ["own.mjs", methodText("mine", { option: "num_proj" }), /--num_proj for its method mine, .*\(Method ours\)/],
];

for (const [name, text, said] of REFUSED) {
  test(`${name} is refused with its name, and what to do next`, async (t) => {
    const folder = temporaryFolder(t);
    const path = written(folder, name, text);
    const { exitCode, stdout, stderr } = await pefd(["distill", "--plugin", path, "--dry_run"]);
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, said);
    assert.ok(stderr.includes(path), stderr);
    assert.doesNotMatch(stderr, /^ +at |defect of pefd/m, "no stack trace");
    assert.match(stderr, /\n {2}\S/, "a hint");
    assert.equal(stdout, "");
  });
}

test("a method without a paper says none", async (t) => {
  const path = written(temporaryFolder(t), "idea.mjs", methodText("idea").replace(/paper: ".*?"/, 'paper: "none"'));
  const { exitCode, stdout, stderr } = await pefd(["methods", "--plugin", path]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stdout, /^idea +- +/m);
});

test("a file that is not there, a folder, and another ending are refused", async (t) => {
  const folder = temporaryFolder(t);
  const text = written(folder, "plugin.py", "");
  for (const [file, said] of [
    ["nowhere.mjs", /There is no plug-in .*nowhere\.mjs/],
    [folder, /cannot be a plug-in/],
    [text, /cannot be a plug-in.*\n.*\.js, \.mjs/],
  ] as const) {
    const { exitCode, stderr } = await pefd(["models", "--plugin", file], { cwd: folder });
    assert.equal(exitCode, 2);
    assert.match(stderr, said);
  }
});

test("two plug-ins of one name are refused, and one that is given twice is not", async (t) => {
  const folder = temporaryFolder(t);
  const one = written(folder, "one.mjs", methodText("mine"));
  const other = written(folder, "other.mjs", methodText("mine"));
  const { exitCode, stderr } = await pefd(["methods", "--plugin", `${one},${other}`]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /other\.mjs has a method mine, and the plug-in .*one\.mjs has one/);
  const twice = await pefd(["methods", "--plugin", one, `--plugin=${one}`], {
    env: { PEFD_PLUGINS: one },
  });
  assert.equal(twice.exitCode, 0, twice.stderr);
  assert.match(twice.stdout, /^mine +2026 +pooled/m);
});

test("no file of options names a plug-in", async (t) => {
  const folder = temporaryFolder(t);
  const path = written(folder, "mine.mjs", methodText("mine"));
  const config = written(folder, "options.json", JSON.stringify({ plugin: [path] }));
  const { exitCode, stderr } = await pefd(["distill", "--config", config, "--dry_run"]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /plugin in .* works only on the command line/);
});
