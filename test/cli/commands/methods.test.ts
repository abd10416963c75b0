import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { goldenOf, yearOf } from "#pefd/distill/published.js";
import { METHODS, procedures } from "#pefd/distill/registry.js";
import { GOLDEN } from "../../helpers/paths.js";
import { pefd } from "../../helpers/pefd.js";

test("pefd methods lists every method, what it adds to the pair and every paper", async () => {
  const { exitCode, stdout, stderr } = await pefd(["methods"]);
  assert.deepEqual([exitCode, stderr], [0, ""]);
  for (const name of METHODS.names()) assert.match(stdout, new RegExp(`^${name} `, "m"));
  assert.match(stdout, /^ours +2022 +pooled +197,376 +- +8\.3 GB +yes +- {2}-r 1 -a 0 -b 25$/m);
  assert.match(stdout, /^kd +2015 +logits +0 +- +3\.3 GB +yes +73\.33 {2}-r 0\.1 -a 0 -b 0\.9$/m);
  assert.match(stdout, /^lskd_kd +2024 .* 76\.62 {2}-r 0\.1 -a 0 -b 9 --lskd --kd_T 2$/m);
  assert.match(stdout, /^hint +2015 +map2 +[\d,]+ +- +no: 1,061\.7 GB /m);
  assert.match(stdout, /^For resnet32x4 -> resnet8x4\./m);
  assert.match(stdout, /^ours, kd1proj:\n {2}Chen et al\./m);
});

test("pefd methods --json is one document, with the published values of the pair that is named", async () => {
  const pair = ["--model_t", "resnet56", "--model_s", "resnet20"];
  const { exitCode, stdout } = await pefd(["methods", ...pair, "--json"]);
  assert.equal(exitCode, 0);
  const { methods } = JSON.parse(stdout) as { methods: Record<string, unknown>[] };
  assert.deepEqual(
    methods.map(({ name }) => name),
    METHODS.names(),
  );
  const dkd = methods.find(({ name }) => name === "dkd");
  assert.ok(dkd);
  assert.deepEqual(
    {
      sees: dkd.sees,
      adds: dkd.adds,
      cacheable: dkd.cacheable,
      cacheBytes: dkd.cacheBytes,
      setting: dkd.setting,
    },
    {
      sees: ["logits"],
      adds: { parameters: 0, buffered: 0 },
      cacheable: true,
      cacheBytes: 50_000 * 162 * 404,
      setting: { weights: { gamma: 1, alpha: 0, beta: 1 }, options: { dkd_beta: 2 } },
    },
  );
  const { top1, source, url, epochs, counted } = dkd.top1 as Record<string, unknown>;
  const address = "https://github.com/megvii-research/mdistiller";
  assert.deepEqual([top1, source, url], [71.97, "mdistiller", address]);
  assert.deepEqual([epochs, counted], [240, "unknown"]);
});

test("--sort lists the newest or the most accurate first, for the models of --pair", async () => {
  const namesBy = async (...words: string[]) => {
    const { exitCode, stdout } = await pefd(["methods", "--json", ...words]);
    assert.equal(exitCode, 0);
    const document = JSON.parse(stdout) as {
      teacher: string;
      methods: { name: string; year: number | null; top1: { top1: number } | null }[];
    };
    return document;
  };
  const pair = ["--pair", "wrn_40_2-ShuffleV1"];
  const { teacher, methods } = await namesBy(...pair, "--sort", "published");
  assert.equal(teacher, "wrn_40_2");
  const figures = methods.map(({ top1 }) => top1?.top1 ?? 0);
  assert.deepEqual(
    figures,
    figures.toSorted((a, b) => b - a),
  );
  assert.ok((figures[0] as number) > 70);
  const years = (await namesBy("--sort", "year")).methods.map(({ year }) => year ?? 0);
  assert.deepEqual(
    years,
    years.toSorted((a, b) => b - a),
  );
  const typed = await namesBy(...pair, "--model_t", "vgg13");
  assert.equal(typed.teacher, "vgg13");
  for (const wrong of ["resnet32x4", "vgg13-vgg9", "-"]) {
    const { exitCode, stderr } = await pefd(["methods", `--pair=${wrong}`]);
    assert.equal(exitCode, 2);
    assert.match(stderr, /--pair .* does not name a teacher and a student/);
  }
});

test("pefd methods tells what others published of a method with options set", async () => {
  const { stdout } = await pefd(["methods", "--json"]);
  const { methods } = JSON.parse(stdout) as { methods: { name: string; variants: unknown[] }[] };
  const kd = methods.find(({ name }) => name === "kd") as { variants: Record<string, unknown>[] };
  const told = kd.variants.map(({ name, set, golden }) => ({ name, set, golden }));
  assert.deepEqual(told, [{ name: "lskd_kd", set: { lskd: true }, golden: ["methods/logits/lskd_kd"] }]);
});

test("an unknown model of the pair is refused with the nearest name", async () => {
  const { exitCode, stderr } = await pefd(["methods", "--model_t", "resnet57"]);
  assert.equal(exitCode, 2);
  assert.match(stderr, /Did you mean resnet5/);
});

/** Repositories and commits, shortened to seven digits, that a golden file was made with. */
function codeOfGolden(file: string): string[] {
  const text = readFileSync(join(GOLDEN, `${file}.json`), "utf8");
  const named = text.matchAll(/"upstream":\{"repo":"([^"]+)","commit":"([0-9a-f]{7})/g);
  return Array.from(named, ([, repository, commit]) => `${repository} ${commit}`);
}

test("every method is told as a formula, and its code is what its golden files were made with", () => {
  for (const row of procedures()) {
    assert.match(row.formula, /\S/, row.name);
    const made = goldenOf(row).flatMap(codeOfGolden);
    if (made.length > 0) assert.ok(made.includes(row.code), `${row.name}: ${row.code}, not ${made}`);
    else assert.match(row.code, /^-$|^[\w.-]+\/[\w.-]+ [0-9a-f]{7}$/, row.name);
  }
});

test("every method has a year and golden files, and every golden file is some method's", () => {
  const rows = procedures();
  for (const row of rows) {
    assert.ok((yearOf(row) ?? 0) >= 2014, row.name);
    for (const file of goldenOf(row)) {
      assert.ok(existsSync(join(GOLDEN, `${file}.json`)), `${row.name}: test/golden/${file}.json`);
    }
  }
  const named = new Set(rows.flatMap(goldenOf));
  // Those in families/ are a method's on other models: golden/methods.test.ts takes them all.
  const files = readdirSync(join(GOLDEN, "methods"))
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.replace(/\.json$/, ""));
  assert.deepEqual(
    files.filter((file) => !named.has(`methods/${file}`)),
    [],
  );
});
