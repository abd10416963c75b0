import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { createRandom, type Random } from "#pefd/common/random.js";
import { draws } from "../helpers/faults.js";
import { byMajor } from "../helpers/nodes.js";
import { ROOT } from "../helpers/paths.js";
import { runProgram } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

/** Ways to load a helper: what stands in the plug-in, the helper's file, its content, and files beside them. */
interface Way {
  readonly code: (folder: string) => string;
  readonly helper?: string;
  readonly content?: string;
  readonly beside?: Readonly<Record<string, string>>;
  /** Of the plug-in besides its method. */
  readonly more?: string;
  /** Node.js before 22.15 calls no hooks for it. */
  readonly isUnseen?: boolean;
}

const always = (code: string) => () => code;
const REQUIRE = 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);';
const JSON_FILE = { helper: "helper.json", content: '{ "weight": 1 }' };
const COMMON = { helper: "helper.js", content: "exports.weight = 1;" };

const WAYS: Readonly<Record<string, Way>> = {
  static: { code: always('import * as helper from "./helper.mjs";') },
  "side effects": { code: always('import "./helper.mjs";') },
  "re-exported": { code: always('export * from "./helper.mjs";') },
  query: { code: always('import * as helper from "./helper.mjs?v=1";') },
  hash: { code: always('import * as helper from "./helper.mjs#1";') },
  comment: { code: always('import * as helper from /* mine */ "./helper.mjs";') },
  "comment in a call": { code: always('await import(/* mine */ "./helper.mjs");') },
  template: { code: always("await import(`./helper.mjs`);") },
  computed: { code: always('await import("./" + "helper" + ".mjs");') },
  escaped: { code: always('import "./\\u0068elper.mjs";') },
  url: { code: always('await import(new URL("./helper.mjs", import.meta.url));') },
  absolute: { code: (folder) => `import ${JSON.stringify(join(folder, "helper.mjs"))};` },
  "file url": { code: (folder) => `import "${pathToFileURL(join(folder, "helper.mjs")).href}";` },
  "not waited for": { code: always('import("./helper.mjs");') },
  required: { code: always(`${REQUIRE} require("./helper.js");`), ...COMMON },
  "required without ending": { code: always(`${REQUIRE} require("./helper");`), ...COMMON },
  "required folder": {
    code: always(`${REQUIRE} require("./parts");`),
    ...COMMON,
    helper: "parts/index.js",
  },
  "required by a .cjs": {
    code: always('import "./first.cjs";'),
    beside: { "first.cjs": 'require("./second.cjs");', "second.cjs": 'require("./helper");' },
    ...COMMON,
  },
  "module required": {
    code: always(`${REQUIRE} require("./helper.mjs");`),
    isUnseen: true,
  },
  "module of a required module": {
    code: always(`${REQUIRE} require("./first.mjs");`),
    beside: { "first.mjs": 'import "./helper.mjs";' },
    isUnseen: true,
  },
  "imported by a .cjs": {
    code: always('import helper from "./first.cjs"; await helper;'),
    beside: { "first.cjs": 'module.exports = import("./helper.mjs");' },
  },
  "two steps away": {
    code: always('import "./parts/first.mjs";'),
    beside: { "parts/first.mjs": 'import "../helper.mjs"; import "./first.mjs";' },
  },
  "#imports": {
    code: always('import "#helper";'),
    beside: { "package.json": '{ "imports": { "#helper": "./helper.mjs" } }' },
  },
  "json imported": {
    code: always('import helper from "./helper.json" with { type: "json" };'),
    ...JSON_FILE,
  },
  "json required": { code: always(`${REQUIRE} require("./helper.json");`), ...JSON_FILE },
  package: {
    code: always('import "helps";'),
    beside: { "node_modules/helps/package.json": '{ "exports": "./helper.mjs" }' },
    helper: "node_modules/helps/helper.mjs",
  },
  "package's version": {
    code: always('import "helps";'),
    beside: { "node_modules/helps/index.js": "" },
    helper: "node_modules/helps/package.json",
    content: '{ "version": "1.0.0" }',
  },
  declared: { code: always(""), more: 'files: ["helper.txt"],', helper: "helper.txt" },
};

const written = (folder: string, files: Readonly<Record<string, string>>) => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
};

/** A plug-in whose method cannot train: it is only loaded. */
const pluginText = (name: string, code: string, { more = "", build = "" } = {}): string => `${code}
import { definePlugin } from "pefd/plugin";
export default definePlugin({ ${more} methods: [{
  name: "${name}", summary: "s", paper: "none, 2026", code: "none", formula: "f",
  weights: { gamma: 1, alpha: 0, beta: 1 }, options: {}, terms: [], sees: () => [], build() { ${build} },
}] });
`;

/** What a process prints that loads plug-ins, by the words of its program. */
async function loading(program: string, files: readonly string[], then: string): Promise<string> {
  const own = (path: string) => JSON.stringify(pathToFileURL(join(ROOT, "dist", path)).href);
  const text = `import { loadPlugins } from ${own("plugin/load.js")};
    import { PLUGINS } from ${own("common/plugins.js")};
    import { METHODS } from ${own("distill/registry.js")};
    await loadPlugins(${JSON.stringify(files)}, process.features);
    ${then}`;
  const { stdout, stderr } = await runProgram(program, ["--input-type=module", "-e", text], {
    env: process.env,
  });
  assert.notEqual(stdout, "", stderr);
  return stdout;
}

const SUMS = "console.log(JSON.stringify(PLUGINS.rows().map(({ sha256 }) => sha256)));";

/** The checksums of some plug-ins, as a process has them that loads them all. */
const sums = async (program: string, files: readonly string[]): Promise<string[]> =>
  JSON.parse(await loading(program, files, SUMS));

const HELPER = "export const weight = 1;";

/** Writes a plug-in into a folder of its own, and all that it loads. @returns its file */
function writeWay(folder: string, way: Way): string {
  const { code, helper = "helper.mjs", content = HELPER, beside = {} } = way;
  const text = pluginText(`way${basename(folder)}`, code(folder), way);
  written(folder, { ...beside, [helper]: content, "mine.mjs": text });
  return join(folder, "mine.mjs");
}

/** Writes packages with two files each into node_modules. */
function writePackages(folder: string, names: readonly string[]): void {
  const exported = '{ "exports": { ".": "./index.mjs", "./more": "./more.mjs" } }';
  for (const name of names) {
    const files = { "package.json": exported, "index.mjs": "", "more.mjs": "" };
    written(join(folder, "node_modules", name), files);
  }
}

/** Calls `build` of each method of plug-ins, and prints how it ended. */
const BUILDS = `for (const { build, name } of METHODS.rows().filter(({ name }) => /^late/.test(name))) {
  const end = await (async () => build())().then(() => ({}), (e) => ({ ...e, text: e.message }));
  console.log(JSON.stringify(end));
}`;

/** Ways to load a file when the plug-in is loaded already, as its method's \`build\` may. */
const LATE: Readonly<Record<string, readonly [build: string, isRefused: boolean]>> = {
  imported: ['return import("./helper.mjs");', true],
  "json imported": ['return import("./helper.json", { with: { type: "json" } });', true],
  required: ['require("./helper.js");', true],
  "of a package that does not count": ['return import("helps");', true],
  declared: ['return import("./declared.mjs");', false],
  again: ['return import("./early.mjs?again");', false],
  "more of a package that counts": ['return import("counts/more");', false],
  builtin: ['return import("node:os");', false],
};

/** Whether a Node.js calls hooks in the thread that imports. */
const hasHooks = (program: string): boolean =>
  program !== "" && execFileSync(program, ["-p", "'registerHooks' in require('node:module')"]).includes("true");

for (const major of ["20", "22", "24"]) {
  const program = byMajor.get(major) ?? "";
  const skip = program ? false : `no Node.js ${major} in PEFD_NODES or the cache's nodes folder`;
  const seen = Object.entries(WAYS).filter(([, way]) => !way.isUnseen || hasHooks(program));

  test(`Node.js ${major}: a changed helper changes the plug-in, however it is loaded`, {
    skip,
  }, async (t) => {
    const folder = temporaryFolder(t);
    const files = seen.map(([, way], i) => writeWay(join(folder, `${i}`), way));
    const before = await sums(program, files);
    assert.deepEqual(await sums(program, files), before, "nothing has changed");
    for (const [i, [, { helper = "helper.mjs", content = HELPER }]] of seen.entries()) {
      writeFileSync(join(folder, `${i}`, helper), content.replace("1", "1000"));
    }
    const after = await sums(program, files);
    assert.deepEqual(
      seen.flatMap(([name], i) => (before[i] === after[i] ? [name] : [])),
      [],
      "not noticed",
    );
  });

  test(`Node.js ${major}: what a plug-in loads later is refused unless it counts`, {
    skip,
  }, async (t) => {
    const folder = temporaryFolder(t);
    writePackages(folder, ["helps", "counts"]);
    const names = ["helper.mjs", "helper.js", "declared.mjs", "early.mjs"];
    written(folder, Object.fromEntries(names.map((name) => [name, ""])));
    written(folder, { "helper.json": "{}" });
    const files = Object.values(LATE).map(([build], i) => {
      const code = `${REQUIRE} import "./early.mjs"; import "counts";`;
      const more = 'files: ["declared.mjs"],';
      written(folder, { [`${i}.mjs`]: pluginText(`late${i}`, code, { more, build }) });
      return join(folder, `${i}.mjs`);
    });
    const said = await loading(program, files, BUILDS);
    const ends = Object.fromEntries(
      Object.keys(LATE).map((name, i) => [name, JSON.parse(said.split("\n")[i] as string)]),
    );
    for (const [i, [name, [, isRefused]]] of Object.entries(LATE).entries()) {
      const { exitCode, text, hint } = ends[name];
      assert.equal(exitCode, isRefused ? 2 : undefined, `${name}: ${text}`);
      if (!isRefused) continue;
      assert.match(text, new RegExp(`/${i}\\.mjs loads .*/(helper|helps/index)\\..* only now`));
      assert.match(hint, /Import it at the top of the plug-in, or name it in .*files/);
    }
  });
}

test("Node.js 20 does not say what a required module imports, and it is refused with what to do", {
  skip: byMajor.has("20") ? false : "no Node.js 20 in PEFD_NODES or the cache's nodes folder",
}, async (t) => {
  const file = writeWay(temporaryFolder(t), WAYS["module required"] as Way);
  const words = [join(ROOT, "bin/pefd.js"), "methods", "--plugin", file];
  const env = { ...process.env, NO_COLOR: "1" };
  const { exitCode, stderr } = await runProgram(byMajor.get("20") ?? "", words, { env });
  assert.equal(exitCode, 2, stderr);
  assert.match(stderr, /mine\.mjs loads the ES module .*helper\.mjs by require/);
  assert.match(stderr, /\n {2}Load it by import/);
});

/** How a file of a drawn tree loads another one; each has a file's ending of its own. */
const LOADS: Readonly<Record<string, (file: string) => string>> = {
  mjs: (file) => `import ${JSON.stringify(file)};`,
  json: (file) => `import ${JSON.stringify(file)} with { type: "json" };`,
  cjs: (file) => `require(${JSON.stringify(file)});`,
  js: (file) => `await import(${JSON.stringify(file)});`,
};

/** Writes a plug-in with up to seven files below it, each loaded by one that is there already. @returns all, itself first */
function writeTree(folder: string, random: Random): string[] {
  const one = <T>(of: readonly T[]): T => of[random.integer(of.length)] as T;
  const texts = new Map([["mine.mjs", REQUIRE]]);
  for (let i = 1 + random.integer(7); i > 0; i--) {
    const by = one([...texts.keys()].filter((name) => name.endsWith(".mjs")));
    const ending = one(Object.keys(LOADS));
    const name = `${one(["", "parts/"])}file${i}.${ending}`;
    const load = LOADS[ending]?.(`${by.startsWith("parts/") ? "../" : "./"}${name}`);
    texts.set(by, `${texts.get(by)}\n${load}`);
    texts.set(name, { mjs: REQUIRE, json: "{}" }[ending] ?? "");
  }
  texts.set("mine.mjs", pluginText(`tree${basename(folder)}`, texts.get("mine.mjs") as string));
  written(folder, { ...Object.fromEntries(texts), "package.json": '{ "type": "module" }' });
  return [...texts.keys()].map((name) => join(folder, name));
}

test("a plug-in with any one of its files changed, however deep, is another plug-in", async (t) => {
  const [folder, random] = [temporaryFolder(t), createRandom(4)];
  const trees = Array.from({ length: draws(40, 1000) }, (_, i) => writeTree(join(folder, `${i}`), random));
  const plugins = trees.map(([mine]) => mine as string);
  const before = await sums(process.execPath, plugins);
  const changed = trees.map((files) => (random.integer(4) === 0 ? "" : files[random.integer(files.length)]) as string);
  for (const file of changed.filter((one) => one !== "")) appendFileSync(file, " ");
  const after = await sums(process.execPath, plugins);
  for (const [i, file] of changed.entries()) {
    const same = before[i] === after[i];
    assert.equal(same, file === "", `${file} of ${trees[i]}`);
  }
});

test("a plug-in of one file has that file's checksum, and more files one of names and contents", async (t) => {
  const folder = temporaryFolder(t);
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const [alone, two] = [pluginText("alone", ""), pluginText("two", 'import "./parts/helper.mjs";')];
  const helper = 'import "../two.mjs";'; // a circle ends
  written(join(folder, "here"), { "alone.mjs": alone, "two.mjs": two, "parts/helper.mjs": helper });
  const lines = [`${sha256(helper)}  ../parts/helper.mjs`, `${sha256(two)}  `];
  const expected = [sha256(alone), sha256(lines.sort().join("\n"))];
  const sumsIn = (name: string) =>
    sums(
      process.execPath,
      ["alone.mjs", "two.mjs"].map((file) => join(folder, name, file)),
    );
  assert.deepEqual(await sumsIn("here"), expected);
  cpSync(join(folder, "here"), join(folder, "there"), { recursive: true });
  assert.deepEqual(await sumsIn("there"), expected, "wherever it lies");
});

test("a helper of two plug-ins counts for both, and what only one loads for that one", async (t) => {
  const folder = temporaryFolder(t);
  const common = `${REQUIRE} require("./common.cjs"); import "./common.mjs";`;
  written(folder, {
    "common.cjs": 'require("./deep.cjs");',
    "deep.cjs": "",
    "common.mjs": 'import "./deep.mjs";',
    "deep.mjs": "",
    "own.mjs": "",
    "one.mjs": pluginText("one", common),
    "two.mjs": pluginText("two", `${common} import "./own.mjs";`),
  });
  const [one, two] = [join(folder, "one.mjs"), join(folder, "two.mjs")];
  const all = () => sums(process.execPath, [one, two]);
  const before = await all();
  assert.deepEqual(await sums(process.execPath, [two, one]), before.toReversed());
  for (const [file, changed] of [
    ["deep.cjs", [true, true]],
    ["deep.mjs", [true, true]],
    ["own.mjs", [false, true]],
  ] as const) {
    writeFileSync(join(folder, file), "// changed");
    const now = await all();
    assert.deepEqual(
      now.map((sum, i) => sum !== before[i]),
      changed,
      file,
    );
    writeFileSync(join(folder, file), "");
  }
});
